
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ihuyi", "0007_captcha"),
    ]

    operations = [
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
    ]
