import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    reversal_loses = {"events_event.held_share_percent": "how many places one visitor may hold at once"}
    safe_while_serving = {
        "AddConstraint event.event_held_share_1_to_100": "the release before does not write the column, and events are few",
    }

    dependencies = [("events", "0003_offer_revision")]

    operations = [
        migrations.AddField(
            "event",
            "held_share_percent",
            models.PositiveSmallIntegerField(
                db_default=10,
                default=10,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100),
                ],
                verbose_name="places that one visitor may hold at once",
            ),
        ),
        migrations.AddConstraint(
            "event",
            models.CheckConstraint(
                condition=models.Q(("held_share_percent__range", (1, 100))),
                name="event_held_share_1_to_100",
            ),
        ),
    ]
