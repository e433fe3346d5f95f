"""The routes of the example site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from example_project import views

urlpatterns = [
    path("", views.home, name="home"),
    path("register/", views.Register.as_view(), name="register"),
    path("api/phone/", include("django_ihuyi.urls")),
    path("admin/", admin.site.urls),
    path("_simulator/", include("django_ihuyi.simulator_urls")),
]
if settings.IHUYI.get("WEBHOOK_SECRETS"):
    urlpatterns.append(path("webhooks/", include("django_ihuyi.webhooks.urls")))
