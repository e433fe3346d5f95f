"""What is remembered: recipients, verifications, the send log, batches, what came back, and what was spent."""

from django_ihuyi.models.batches import BatchRow, RowTaken
from django_ihuyi.models.budgets import Budget, BudgetSnapshot
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.models.messages import FRESHNESS, LEASE, Kind, Message, MessageQuerySet, State
from django_ihuyi.models.places import Place
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.replies import Reply
from django_ihuyi.models.sql.claim import take_claimed, write_claimed
from django_ihuyi.models.sql.snapshot import Snapshot, VerificationSnapshot, read_snapshot, read_verification
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt
from django_ihuyi.models.verifications import Verification

__all__ = [
    "FRESHNESS",
    "LEASE",
    "BatchRow",
    "Budget",
    "BudgetSnapshot",
    "IdempotencyKey",
    "Kind",
    "Message",
    "MessageQuerySet",
    "Place",
    "Receipt",
    "Recipient",
    "Reply",
    "RowTaken",
    "Snapshot",
    "SpentCaptcha",
    "State",
    "UnmatchedReceipt",
    "Verification",
    "VerificationSnapshot",
    "read_snapshot",
    "read_verification",
    "take_claimed",
    "write_claimed",
]
