"""Who calls the platform, and when: at once, or after the caller's transaction has committed."""

from __future__ import annotations

from django.db import transaction

from django_ihuyi import transactions
from django_ihuyi.calls import deliver
from django_ihuyi.models import Message


def dispatch(message: Message, *, using: str) -> Message:
    """Deliver a committed message now; inside a caller's open transaction, after its commit and never after a rollback.

    In the second case the message returned is still `sending`.
    """

    def call() -> None:  # no partial: Django names a hook that failed by its __qualname__
        deliver(message, using=using)

    if transactions.is_open(using):
        transaction.on_commit(call, using=using, robust=True)
    else:
        call()
    return message
