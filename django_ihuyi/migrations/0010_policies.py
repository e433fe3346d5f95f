from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ihuyi", "0009_no_pattern_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="verification",
            name="decoy",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="decoy"),
        ),
    ]
