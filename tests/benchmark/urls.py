"""The routes of the three contestants."""

from django.urls import include, path

from tests.benchmark.bare import views

urlpatterns = [
    path("ours/", include("django_ihuyi.urls")),
    path("bare/send/", views.Send.as_view()),
    path("bare/verify/", views.Verify.as_view()),
    path("phone-verify/", include("phone_verify.urls")),
]
