"""The admin: verifications, messages, replies, recipients and budgets, to read; and to lift what stands in the way."""

from django_ihuyi.admin.budgets import BudgetAdmin
from django_ihuyi.admin.messages import MessageAdmin
from django_ihuyi.admin.recipients import RecipientAdmin
from django_ihuyi.admin.replies import ReplyAdmin
from django_ihuyi.admin.verifications import VerificationAdmin

__all__ = ["BudgetAdmin", "MessageAdmin", "RecipientAdmin", "ReplyAdmin", "VerificationAdmin"]
