"""The admin: read-only pages, with actions that lift suppressions and clear budgets."""

from django_ihuyi.admin.budgets import BudgetAdmin
from django_ihuyi.admin.messages import MessageAdmin
from django_ihuyi.admin.recipients import RecipientAdmin
from django_ihuyi.admin.replies import ReplyAdmin
from django_ihuyi.admin.verifications import VerificationAdmin

__all__ = ["BudgetAdmin", "MessageAdmin", "RecipientAdmin", "ReplyAdmin", "VerificationAdmin"]
