import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0002_outbox")]

    # Every column has a default in the database, or may be null: the version before this one goes on writing rows.
    operations = [
        migrations.AddField(
            model_name="message",
            name="receipt_code",
            field=models.CharField(blank=True, db_default="", default="", max_length=32, verbose_name="receipt code"),
        ),
        migrations.AddField(
            model_name="message",
            name="receipt_text",
            field=models.CharField(blank=True, db_default="", default="", max_length=200, verbose_name="receipt text"),
        ),
        migrations.AddField(
            model_name="message",
            name="reported_at",
            field=models.DateTimeField(null=True, verbose_name="reported at"),
        ),
        migrations.AddField(
            model_name="message",
            name="received_at",
            field=models.DateTimeField(null=True, verbose_name="receipt received at"),
        ),
        migrations.AddField(
            model_name="reply",
            name="digest",
            field=models.CharField(editable=False, max_length=64, null=True),
        ),
        migrations.AddConstraint(
            model_name="reply",
            constraint=models.UniqueConstraint(fields=("recipient", "digest"), name="ihuyi_reply_once"),
        ),
        migrations.CreateModel(
            name="StrayReceipt",
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
                        related_name="stray_receipts",
                        to="ihuyi.recipient",
                        verbose_name="recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "stray receipt",
                "verbose_name_plural": "stray receipts",
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="strayreceipt",
            index=models.Index(fields=["received_at"], name="ihuyi_stray_received"),
        ),
        migrations.AddConstraint(
            model_name="strayreceipt",
            constraint=models.UniqueConstraint(
                fields=("recipient", "platform_id", "is_delivered"), name="ihuyi_stray_once"
            ),
        ),
    ]
