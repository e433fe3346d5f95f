"""The routes that the suite asks: REST API and webhooks where the example mounts them, and the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("webhooks/", include("django_ihuyi.webhooks.urls")),
    path("api/phone/", include("django_ihuyi.urls")),
]
