"""What a host includes: `path("api/phone/", include("django_ihuyi.urls"))`. The names live in the namespace `ihuyi`."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("django_ihuyi.api.urls"))]
