import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ihuyi", "0010_policies"),
    ]

    operations = [
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
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "position"), name="ihuyi_batch_row_once"),
                ],
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
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "number"), name="ihuyi_place_once"),
                ],
            },
        ),
    ]
