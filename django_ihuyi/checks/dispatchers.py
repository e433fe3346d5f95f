"""Findings about the queue: who calls the platform, and what happens when nobody can be asked to."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.delivery.dispatchers.base import INLINE, PATHS
from django_ihuyi.delivery.routing import load_dispatcher

FALLBACKS = ("inline", "refuse")
#: Backends of Django's task framework that have no workers.
WORKERLESS = ("ImmediateBackend", "DummyBackend")


@finding(
    "E043", hint='Write "inline", "tasks", "celery" or the path of a Dispatcher; install django-ihuyi[tasks, celery].'
)
def find_wrong_dispatcher() -> Iterator[str]:
    """DISPATCHER cannot be used: it is not known, is no dispatcher, or its package is missing or not set up."""
    name = sound("DISPATCHER")
    if name == INLINE:
        return
    try:
        load_dispatcher(PATHS.get(name, name))
    except ImproperlyConfigured as error:
        yield f"{error}."


@finding("E044", hint='Write "inline" or "refuse".')
def find_wrong_fallback() -> Iterator[str]:
    """DISPATCH_FALLBACK is nothing that can be done while the queue is down."""
    if sound("DISPATCH_FALLBACK") not in FALLBACKS:
        yield f"IHUYI['DISPATCH_FALLBACK'] is {sound('DISPATCH_FALLBACK')!r}."


@finding(
    "W020", hint='Set TASKS to a backend with workers, such as django_tasks_db.DatabaseBackend; or write "inline".'
)
def find_tasks_without_workers() -> Iterator[str]:
    """DISPATCHER is `tasks`, and the backend that TASKS names has no workers: nothing is queued, or nothing is sent."""
    if sound("DISPATCHER") != "tasks" or any(find_wrong_dispatcher()):
        return
    backend = import_string(f"{PATHS['tasks'].rpartition('.')[0]}.send_message").get_backend()
    if type(backend).__name__ in WORKERLESS:
        yield f"TASKS['default'] is a {type(backend).__name__}."
