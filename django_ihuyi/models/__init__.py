"""What is remembered: recipients, verifications, and the send log."""

from django_ihuyi.models.messages import Kind, Message, MessageQuerySet, State
from django_ihuyi.models.recipients import LostRace, Recipient
from django_ihuyi.models.replies import Reply
from django_ihuyi.models.standings import Standing, VerificationStanding, read_standing, read_verification
from django_ihuyi.models.verifications import Verification

__all__ = [
    "Kind",
    "LostRace",
    "Message",
    "MessageQuerySet",
    "Recipient",
    "Reply",
    "Standing",
    "State",
    "Verification",
    "VerificationStanding",
    "read_standing",
    "read_verification",
]
