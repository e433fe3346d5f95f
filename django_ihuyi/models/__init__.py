"""What is remembered: recipients, verifications, the send log, batches, what came back, and what was spent."""

from django_ihuyi.models.batches import BatchRow, RowTaken
from django_ihuyi.models.budgets import Budget, BudgetStanding
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.claims import take_claimed, write_claimed
from django_ihuyi.models.keyed_requests import KeyedRequest
from django_ihuyi.models.messages import FRESHNESS, LEASE, Kind, Message, MessageQuerySet, State
from django_ihuyi.models.places import Place
from django_ihuyi.models.receipts import Receipt
from django_ihuyi.models.recipients import Recipient
from django_ihuyi.models.replies import Reply
from django_ihuyi.models.standings import Standing, VerificationStanding, read_standing, read_verification
from django_ihuyi.models.strays import StrayReceipt
from django_ihuyi.models.verifications import Verification

__all__ = [
    "FRESHNESS",
    "LEASE",
    "BatchRow",
    "Budget",
    "BudgetStanding",
    "KeyedRequest",
    "Kind",
    "Message",
    "MessageQuerySet",
    "Place",
    "Receipt",
    "Recipient",
    "Reply",
    "RowTaken",
    "SpentCaptcha",
    "Standing",
    "State",
    "StrayReceipt",
    "Verification",
    "VerificationStanding",
    "read_standing",
    "read_verification",
    "take_claimed",
    "write_claimed",
]
