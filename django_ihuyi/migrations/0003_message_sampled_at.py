from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0002_delete_place")]

    operations = [
        migrations.AddField("message", "sampled_at", models.DateTimeField(editable=False, null=True)),
        migrations.AddIndex("message", models.Index(fields=["sampled_at"], name="ihuyi_msg_sampled")),
    ]
