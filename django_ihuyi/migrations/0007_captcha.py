from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0005_privacy")]

    operations = [
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
    ]
