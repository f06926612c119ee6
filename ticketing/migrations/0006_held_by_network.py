from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0005_who_holds")]

    operations = [
        AddIndexConcurrently(
            "reservation",
            models.Index(
                condition=models.Q(("status", "PENDING"), models.Q(("network", ""), _negated=True)),
                fields=["event", "network"],
                name="reservation_held_by_network",
            ),
        ),
    ]
