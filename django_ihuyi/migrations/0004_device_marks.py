from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0003_message_sampled_at")]

    operations = [
        migrations.AddField(
            model_name="recipient",
            name="marks_from",
            field=models.DateTimeField(editable=False, null=True, verbose_name="device marks from"),
        ),
        migrations.AddField(
            model_name="recipient",
            name="marks",
            field=models.JSONField(db_default={}, default=dict, editable=False, verbose_name="device marks"),
        ),
    ]
