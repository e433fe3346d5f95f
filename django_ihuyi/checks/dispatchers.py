"""Findings about the queue: the dispatcher, its workers, and the fallback for when it is down."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_ihuyi.checks.findings import finding
from django_ihuyi.checks.names import sound
from django_ihuyi.delivery.dispatchers.base import INLINE, PATHS
from django_ihuyi.delivery.routing import load_dispatcher

FALLBACKS = ("inline", "refuse")
#: Backends of Django's task framework without workers.
WORKERLESS = ("ImmediateBackend", "DummyBackend")


@finding("E043", hint='Write "inline", "tasks", "celery" or a path; install django-ihuyi[tasks] or [celery].')
def find_wrong_dispatcher() -> Iterator[str]:
    """DISPATCHER cannot be used: it is unknown, not a dispatcher, or its package is missing or not set up."""
    name = sound("DISPATCHER")
    if name == INLINE:
        return
    try:
        load_dispatcher(PATHS.get(name, name))
    except ImproperlyConfigured as error:
        yield f"{error}."


@finding("E044", hint='Write "inline" or "refuse".')
def find_wrong_fallback() -> Iterator[str]:
    """DISPATCH_FALLBACK is unknown."""
    if sound("DISPATCH_FALLBACK") not in FALLBACKS:
        yield f"IHUYI['DISPATCH_FALLBACK'] is {sound('DISPATCH_FALLBACK')!r}, which is unknown."


@finding("W020", hint='Set TASKS to a backend with workers, such as django_tasks_db.DatabaseBackend, or use "inline".')
def find_tasks_without_workers() -> Iterator[str]:
    """DISPATCHER is `tasks`, but the backend in TASKS has no workers: messages are not queued, or are never sent."""
    if sound("DISPATCHER") != "tasks" or any(find_wrong_dispatcher()):
        return
    # A task knows its backend, in django.tasks as in the package django_tasks.
    backend = import_string(f"{PATHS['tasks'].rpartition('.')[0]}.send_message").get_backend()
    if type(backend).__name__ in WORKERLESS:
        yield f"TASKS['default'] is a {type(backend).__name__}, which has no workers."
