"""The routes that the suite asks: the REST API where the example mounts it, and the admin."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls)]
if find_spec("django_ihuyi.urls"):
    urlpatterns.append(path("api/phone/", include("django_ihuyi.urls")))
