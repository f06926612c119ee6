from django.db import migrations, models


class Migration(migrations.Migration):
    reversal_loses = {
        "events_event.free_needs_address": "which events let every free order wait for its address"
    }

    dependencies = [("events", "0006_sealed_key")]

    operations = [
        migrations.AddField(
            "event",
            "free_needs_address",
            models.BooleanField(
                db_default=False,
                default=False,
                verbose_name="every free order waits until its e-mail address is confirmed",
            ),
        ),
    ]
