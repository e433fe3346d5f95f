"""What a queue of your own needs: `Dispatcher` to subclass, and what its tasks call, with an id or with many.

Celery looks into a module of this name in every app, so that it holds no task: ours are in `delivery.dispatchers`.
"""

from django_ihuyi.delivery.dispatchers.base import Dispatcher
from django_ihuyi.delivery.worker import run, run_many

__all__ = ["Dispatcher", "run", "run_many"]
