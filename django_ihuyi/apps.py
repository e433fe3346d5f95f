"""The app's configuration for INSTALLED_APPS."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class IhuyiConfig(AppConfig):
    """Registers the app under the label `ihuyi`, and its system checks."""

    name = "django_ihuyi"
    label = "ihuyi"
    verbose_name = _("Phone verification")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_ihuyi import checks  # noqa: F401, PLC0415 - registers the checks; it needs the models
        from django_ihuyi.conf import settings  # noqa: PLC0415

        # A Celery worker knows only the tasks of imported modules. If Celery is not installed, a check reports it.
        if settings.DISPATCHER == "celery" and find_spec("celery"):
            import_module("django_ihuyi.delivery.dispatchers.celery")
        # drf-spectacular finds only extensions that are imported.
        if apps.is_installed("drf_spectacular"):
            import_module("django_ihuyi.api.schema")
