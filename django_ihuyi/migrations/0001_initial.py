"""The tables of the app.

PostgreSQL: without the second index that Django makes for each unique text, which serves searches by its beginning.
Nothing here searches so, and each costs a send a page at a random place, which after a checkpoint goes into the log
whole.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def leave_out_pattern_indexes(apps: Any, schema_editor: Any) -> None:
    # Django makes them when the migration is over: until then their statements wait in a list.
    schema_editor.deferred_sql[:] = [sql for sql in schema_editor.deferred_sql if "_pattern_ops" not in str(sql)]


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Recipient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("phone", models.CharField(blank=True, max_length=16, null=True, unique=True, verbose_name="phone")),
                ("fingerprint", models.CharField(blank=True, editable=False, max_length=32, null=True, unique=True)),
                (
                    "mask",
                    models.CharField(
                        db_default="", default="", editable=False, max_length=16, verbose_name="masked phone"
                    ),
                ),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("guesses", models.JSONField(default=dict, editable=False, verbose_name="guesses")),
                ("wait_until", models.DateTimeField(editable=False, null=True, verbose_name="wait until")),
                ("full_until", models.DateTimeField(editable=False, null=True, verbose_name="full until")),
                (
                    "code_full_until",
                    models.DateTimeField(editable=False, null=True, verbose_name="full for codes until"),
                ),
                (
                    "suppressed_at",
                    models.DateTimeField(db_index=True, editable=False, null=True, verbose_name="suppressed at"),
                ),
                (
                    "suppressed_code",
                    models.IntegerField(editable=False, null=True, verbose_name="suppressed by result code"),
                ),
                ("opted_out_at", models.DateTimeField(editable=False, null=True, verbose_name="opted out at")),
                (
                    "holder",
                    models.CharField(db_default="", default="", editable=False, max_length=255, verbose_name="holder"),
                ),
                (
                    "forgotten_at",
                    models.DateTimeField(db_index=True, editable=False, null=True, verbose_name="forgotten at"),
                ),
            ],
            options={
                "verbose_name": "recipient",
                "verbose_name_plural": "recipients",
                "ordering": ["-id"],
                "permissions": [("lift_suppression", "Can lift a recipient's suppression")],
            },
        ),
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("key", models.CharField(max_length=96, primary_key=True, serialize=False, verbose_name="budget")),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("history", models.JSONField(default=dict, editable=False, verbose_name="history")),
                ("slot_began", models.PositiveBigIntegerField(default=0, editable=False)),
                ("slot_spent", models.PositiveBigIntegerField(default=0, editable=False)),
                ("slot_limit", models.PositiveBigIntegerField(default=0, editable=False)),
                ("refused_at", models.DateTimeField(editable=False, null=True, verbose_name="refused at")),
                ("reason", models.CharField(blank=True, editable=False, max_length=64, verbose_name="reason")),
                ("updated_at", models.DateTimeField(editable=False, verbose_name="updated at")),
            ],
            options={
                "verbose_name": "budget",
                "verbose_name_plural": "budgets",
                "ordering": ["-updated_at"],
                "permissions": [("clear_budget", "Can clear a budget")],
                "indexes": [
                    models.Index(fields=["refused_at"], name="ihuyi_budget_refused"),
                    models.Index(fields=["updated_at"], name="ihuyi_budget_updated"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(editable=False, max_length=64)),
                ("fingerprint", models.CharField(editable=False, max_length=64)),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("status", models.PositiveSmallIntegerField(editable=False, null=True)),
                ("answer", models.TextField(blank=True, editable=False)),
                ("expires_at", models.DateTimeField(editable=False, verbose_name="expires at")),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["expires_at"], name="ihuyi_idempotency_expires")],
                "constraints": [models.UniqueConstraint(fields=("name",), name="ihuyi_idempotency_name")],
            },
        ),
        migrations.CreateModel(
            name="Place",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16, verbose_name="channel")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("version", models.PositiveBigIntegerField(default=0, editable=False)),
                ("free_at", models.DateTimeField(verbose_name="free at")),
            ],
            options={
                "verbose_name": "place of an account",
                "verbose_name_plural": "places of accounts",
                "ordering": ["channel", "number"],
                "constraints": [models.UniqueConstraint(fields=("channel", "number"), name="ihuyi_place_once")],
            },
        ),
        migrations.CreateModel(
            name="SpentCaptcha",
            fields=[
                ("key", models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
            ],
            options={
                "verbose_name": "spent captcha",
                "verbose_name_plural": "spent captchas",
                "ordering": ["-expires_at"],
                "indexes": [models.Index(fields=["expires_at"], name="ihuyi_captcha_expires")],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.CharField(editable=False, max_length=32, primary_key=True, serialize=False)),
                ("purpose", models.CharField(max_length=32, verbose_name="purpose")),
                ("seed", models.CharField(editable=False, max_length=32)),
                ("key_id", models.CharField(editable=False, max_length=8)),
                ("code_length", models.PositiveSmallIntegerField(verbose_name="digits")),
                ("decoy", models.BooleanField(db_default=False, default=False, editable=False, verbose_name="decoy")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("verified_at", models.DateTimeField(null=True, verbose_name="verified at")),
                ("proof_redeemed_at", models.DateTimeField(null=True, verbose_name="proof redeemed at")),
                (
                    "redeemed_by",
                    models.CharField(
                        db_default="", default="", editable=False, max_length=255, verbose_name="redeemed by"
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verifications",
                        to="ihuyi.recipient",
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "verification",
                "verbose_name_plural": "verifications",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16, verbose_name="channel")),
                ("purpose", models.CharField(blank=True, max_length=32, verbose_name="purpose")),
                (
                    "kind",
                    models.CharField(
                        choices=[("code", "code"), ("notice", "notice")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("template", models.CharField(max_length=32, verbose_name="template")),
                ("variables", models.JSONField(default=list, verbose_name="variables")),
                ("text", models.CharField(max_length=1000, verbose_name="text")),
                ("erased", models.BooleanField(db_default=False, default=False, editable=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "sending"),
                            ("submitted", "submitted"),
                            ("delivered", "delivered"),
                            ("undelivered", "undelivered"),
                            ("refused", "refused"),
                            ("unsent", "unsent"),
                            ("unknown", "unknown"),
                        ],
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("counted", models.BooleanField(default=True, verbose_name="counted")),
                ("result_code", models.IntegerField(null=True, verbose_name="result code")),
                ("result_text", models.CharField(blank=True, max_length=200, verbose_name="result text")),
                ("fault", models.CharField(blank=True, max_length=32, verbose_name="fault")),
                ("platform_id", models.CharField(blank=True, max_length=64, verbose_name="platform id")),
                ("parts", models.PositiveSmallIntegerField(default=1, verbose_name="parts")),
                ("client", models.CharField(blank=True, max_length=43, verbose_name="client")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("taken_at", models.DateTimeField(editable=False, null=True, verbose_name="taken at")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("duration", models.FloatField(null=True, verbose_name="duration in seconds")),
                (
                    "receipt_code",
                    models.CharField(blank=True, db_default="", default="", max_length=32, verbose_name="receipt code"),
                ),
                (
                    "receipt_text",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="receipt text"
                    ),
                ),
                ("reported_at", models.DateTimeField(null=True, verbose_name="reported at")),
                ("received_at", models.DateTimeField(null=True, verbose_name="receipt received at")),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="ihuyi.recipient",
                        verbose_name="recipient",
                    ),
                ),
                (
                    "verification",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="messages",
                        to="ihuyi.verification",
                        verbose_name="verification",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="BatchRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch", models.CharField(max_length=64, verbose_name="batch")),
                ("position", models.PositiveBigIntegerField(verbose_name="position")),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="batch_rows",
                        to="ihuyi.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "row of a batch",
                "verbose_name_plural": "rows of batches",
                "ordering": ["-id"],
                "constraints": [models.UniqueConstraint(fields=("batch", "position"), name="ihuyi_batch_row_once")],
            },
        ),
        migrations.CreateModel(
            name="Reply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.TextField(verbose_name="content")),
                ("platform_id", models.CharField(blank=True, max_length=64, verbose_name="platform id")),
                ("replied_at", models.DateTimeField(verbose_name="replied at")),
                ("received_at", models.DateTimeField(auto_now_add=True, verbose_name="received at")),
                ("digest", models.CharField(editable=False, max_length=64, null=True)),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replies",
                        to="ihuyi.recipient",
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "reply",
                "verbose_name_plural": "replies",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["recipient", "replied_at"], name="ihuyi_reply_recipient"),
                    models.Index(fields=["received_at"], name="ihuyi_reply_due"),
                ],
                "constraints": [models.UniqueConstraint(fields=("recipient", "digest"), name="ihuyi_reply_once")],
            },
        ),
        migrations.CreateModel(
            name="UnmatchedReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("platform_id", models.CharField(max_length=64, verbose_name="platform id")),
                ("is_delivered", models.BooleanField(verbose_name="delivered")),
                ("code", models.CharField(max_length=32, verbose_name="receipt code")),
                ("text", models.CharField(blank=True, max_length=200, verbose_name="receipt text")),
                ("reported_at", models.DateTimeField(null=True, verbose_name="reported at")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "recipient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unmatched_receipts",
                        to="ihuyi.recipient",
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "unmatched receipt",
                "verbose_name_plural": "unmatched receipts",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["received_at"], name="ihuyi_unmatched_received")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("recipient", "platform_id", "is_delivered"), name="ihuyi_unmatched_once"
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["created_at"], name="ihuyi_verif_created"),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["recipient", "verified_at"], name="ihuyi_verif_fact"),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(fields=["verified_at", "expires_at"], name="ihuyi_verif_due"),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))), name="ihuyi_verif_lives"
            ),
        ),
        migrations.AddConstraint(
            model_name="verification",
            constraint=models.CheckConstraint(
                condition=models.Q(("proof_redeemed_at", None), ("verified_at__isnull", False), _connector="OR"),
                name="ihuyi_verif_redeemed",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["recipient", "created_at"], name="ihuyi_msg_recipient"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["created_at"], name="ihuyi_msg_created"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["client", "created_at"], name="ihuyi_msg_client"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["platform_id"], name="ihuyi_msg_platform"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["state", "created_at"], name="ihuyi_msg_left"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["erased", "created_at"], name="ihuyi_msg_due"),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        ["queued", "sending", "submitted", "delivered", "undelivered", "refused", "unsent", "unknown"],
                    )
                ),
                name="ihuyi_msg_state",
            ),
        ),
        migrations.RunPython(leave_out_pattern_indexes, migrations.RunPython.noop),
    ]
