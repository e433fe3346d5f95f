"""The desk: verifications, messages and recipients, to read; and to lift what stands in a recipient's way."""

from django_ihuyi.admin.messages import MessageAdmin
from django_ihuyi.admin.recipients import RecipientAdmin
from django_ihuyi.admin.verifications import VerificationAdmin

__all__ = ["MessageAdmin", "RecipientAdmin", "VerificationAdmin"]
