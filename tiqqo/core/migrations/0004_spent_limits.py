from django.db import migrations, models


class Migration(migrations.Migration):
    reversal_loses = {"core_spentlimit.free_at": "counted anew: who was refused may ask again"}

    dependencies = [("core", "0003_security_and_retention")]

    operations = [
        migrations.CreateModel(
            name="SpentLimit",
            fields=[
                (
                    "key",
                    models.CharField(max_length=80, primary_key=True, serialize=False),
                ),
                ("free_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
