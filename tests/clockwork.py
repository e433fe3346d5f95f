"""Move time: nobody can wait a day, and the database's clock cannot be turned, so what is stored is made older."""

from datetime import timedelta

from django.db.models import DateTimeField, F

from django_ihuyi.models import Message, Recipient, Verification


def let_pass(**duration):
    """Let time pass, as in `let_pass(minutes=5)`: every moment that the app has stored lies so much further back."""
    gone = timedelta(**duration)
    for model in (Recipient, Verification, Message):
        moments = [field.name for field in model._meta.fields if isinstance(field, DateTimeField)]
        model.objects.update(**{name: F(name) - gone for name in moments})
    for recipient in Recipient.objects.all():
        for budget in recipient.guesses.values():
            budget["failed_at"] = [moment - gone.total_seconds() for moment in budget["failed_at"]]
        recipient.save(update_fields=["guesses"])
