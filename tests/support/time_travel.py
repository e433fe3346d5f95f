"""Move time. The database's clock cannot be set, so the times in its rows are moved into the past."""

from datetime import timedelta

from django.db.models import DateTimeField, F

from django_ihuyi.models import Message, Recipient, Reply, Verification
from django_ihuyi.models.budgets import Budget
from django_ihuyi.models.captchas import SpentCaptcha
from django_ihuyi.models.idempotency_keys import IdempotencyKey
from django_ihuyi.models.unmatched_receipts import UnmatchedReceipt

MODELS = (Recipient, Verification, Message, Reply, UnmatchedReceipt, IdempotencyKey, SpentCaptcha, Budget)


def let_pass(**duration):
    """Let time pass, as in `let_pass(minutes=5)`: move every time that the app has stored back by so much.

    The time in a device mark is signed: make the mark anew, of the verification that it came from.
    """
    gone = timedelta(**duration)
    for model in MODELS:
        moments = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
        model.objects.update(**{name: F(name) - gone for name in moments})
    for recipient in Recipient.objects.all():
        for budget in [*recipient.guesses.values(), *recipient.marked_guesses.values()]:
            budget["failed_at"] = [moment - gone.total_seconds() for moment in budget["failed_at"]]
        for failed in recipient.mark_failures.values():
            failed["until"] -= gone.total_seconds()
        recipient.save(update_fields=["guesses", "marks"])
    for budget in Budget.objects.all():
        budget.slot_began = max(0, budget.slot_began - int(gone.total_seconds()))
        budget.history = shift(budget.history, int(gone.total_seconds()))
        budget.save(update_fields=["slot_began", "history"])


def shift(history, gone):
    """Return a budget's history with all times moved back by `gone` seconds."""
    older = dict(history)
    for period, parts in history.get("spending", {}).items():
        older["spending"] = older["spending"] | {period: [[began - gone, count] for began, count in parts]}
    if "numbers" in history:
        older["numbers"] = {mark: moment - gone for mark, moment in history["numbers"].items()}
    return older | {name: history[name] - gone for name in ("since", "checked") if history.get(name)}
