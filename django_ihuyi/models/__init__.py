"""The tables: recipients, verifications, the send log, batches, receipts, replies, and counters.

Hosts may read `Message`, `Verification`, `Recipient` and `Reply`. Import all other names from their own modules.
"""

# Django registers only the models that are imported here.
from django_ihuyi.models import (  # noqa: F401
    batches,
    budgets,
    captchas,
    idempotency_keys,
    unmatched_receipts,
)
from django_ihuyi.models.messages import Kind, Message, State
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.replies import Reply
from django_ihuyi.models.verifications import Verification

__all__ = ["Kind", "Message", "Recipient", "Reply", "State", "Verification"]
