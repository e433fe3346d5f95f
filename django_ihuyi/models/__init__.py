"""What is remembered: recipients, verifications, and the send log."""

from django_ihuyi.models.messages import Kind, Message, State
from django_ihuyi.models.recipients import LostRace, Recipient
from django_ihuyi.models.standings import Standing, read_standing
from django_ihuyi.models.verifications import Verification, VerificationQuerySet

__all__ = ["Kind", "LostRace", "Message", "Recipient", "Standing", "State", "Verification", "VerificationQuerySet", "read_standing"]
