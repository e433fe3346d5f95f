from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="taken_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="taken at"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["state", "created_at"], name="ihuyi_msg_left"),
        ),
    ]
