"""The interface for a queue of your own: subclass `Dispatcher`, and call `run` or `run_many` from its tasks.

Celery imports the module `tasks` of every app, even on a site without a task framework of ours. So the app's own tasks
are in `delivery.dispatchers`, and only the one that DISPATCHER names is imported.
"""

from django_ihuyi.delivery.dispatchers.base import Dispatcher
from django_ihuyi.delivery.worker import run, run_many

__all__ = ["Dispatcher", "run", "run_many"]
