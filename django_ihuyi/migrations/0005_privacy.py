"""Let a number be erased and still be found, and give the purge its indexes.

Nothing is filled in here, so that no table is held for longer than its definition takes to change: a row without a
fingerprint is found by its number, and gets one with its next message, or when its number is erased. Code of the version
before can write to these tables: all that it does not know has a default in the database.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Cast, Concat


def do_nothing(apps: Any, schema_editor: Any) -> None:
    pass


def fill_erased_numbers(apps: Any, schema_editor: Any) -> None:
    """What was erased cannot come back, and the version before needs something that differs from row to row."""
    recipients = apps.get_model("ihuyi", "Recipient").objects.using(schema_editor.connection.alias)
    stand_in = Concat(Value("?"), Cast("pk", models.CharField(max_length=15)), output_field=models.CharField())
    recipients.filter(phone=None).update(phone=stand_in)


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0004_idempotency")]

    operations = [
        migrations.AddField(
            model_name="recipient",
            name="fingerprint",
            field=models.CharField(blank=True, editable=False, max_length=32, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="recipient",
            name="mask",
            field=models.CharField(
                db_default="", default="", editable=False, max_length=16, verbose_name="masked phone"
            ),
        ),
        migrations.AddField(
            model_name="recipient",
            name="holder",
            field=models.CharField(db_default="", default="", editable=False, max_length=255, verbose_name="holder"),
        ),
        migrations.AddField(
            model_name="recipient",
            name="forgotten_at",
            field=models.DateTimeField(db_index=True, editable=False, null=True, verbose_name="forgotten at"),
        ),
        migrations.AlterField(
            model_name="recipient",
            name="phone",
            field=models.CharField(blank=True, max_length=16, null=True, unique=True, verbose_name="phone"),
        ),
        migrations.RunPython(do_nothing, fill_erased_numbers),
        migrations.AddField(
            model_name="verification",
            name="redeemed_by",
            field=models.CharField(
                db_default="", default="", editable=False, max_length=255, verbose_name="redeemed by"
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="erased",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RemoveIndex(model_name="verification", name="ihuyi_verif_expires"),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["verified_at", "expires_at"], name="ihuyi_verif_due"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["erased", "created_at"], name="ihuyi_msg_due"),
        ),
        migrations.AddIndex(
            model_name="reply",
            index=models.Index(fields=["received_at"], name="ihuyi_reply_due"),
        ),
    ]
