from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0003_webhooks")]

    operations = [
        migrations.CreateModel(
            name="KeyedRequest",
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
                "verbose_name": "keyed request",
                "verbose_name_plural": "keyed requests",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["expires_at"], name="ihuyi_keyed_expires")],
                "constraints": [models.UniqueConstraint(fields=["name"], name="ihuyi_keyed_name")],
            },
        ),
    ]
