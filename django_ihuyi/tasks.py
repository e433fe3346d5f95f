"""The interface for a queue of your own: subclass `Dispatcher`, and call `run` or `run_many` from its tasks.

Celery imports the module `tasks` of every app, also on a site that lacks django-tasks. So the app's own tasks are in
`delivery.dispatchers`, where only the module that DISPATCHER names is imported.
"""

from django_ihuyi.delivery.dispatchers.base import Dispatcher
from django_ihuyi.delivery.worker import run, run_many

__all__ = ["Dispatcher", "run", "run_many"]
