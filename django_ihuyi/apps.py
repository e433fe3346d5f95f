"""The app's configuration for INSTALLED_APPS."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IhuyiConfig(AppConfig):
    """Registers the app under the label `ihuyi`, and its system checks."""

    name = "django_ihuyi"
    label = "ihuyi"
    verbose_name = _("Phone verification")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_ihuyi import checks  # noqa: F401, PLC0415 - registers the checks, once the apps are there
