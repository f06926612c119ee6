from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0010_sealed_request_secret")]

    operations = [
        AddIndexConcurrently(
            "reservation",
            models.Index(
                condition=models.Q(
                    ("status__in", ["PENDING", "CONFIRMED"]), models.Q(("network", ""), _negated=True)
                ),
                fields=["event", "network"],
                name="reservation_had_by_network",
            ),
        ),
        RemoveIndexConcurrently("reservation", "reservation_held_by_network"),
    ]
