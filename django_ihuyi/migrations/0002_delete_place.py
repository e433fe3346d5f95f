from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ihuyi", "0001_initial")]

    operations = [migrations.DeleteModel(name="Place")]
