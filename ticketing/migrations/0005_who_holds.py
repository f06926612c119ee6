from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    reversal_loses = {
        "ticketing_reservation.ends_by": "holds may be prolonged without a bound again",
        "ticketing_reservation.client": "who holds is known of new holds only",
        "ticketing_reservation.network": "who holds is known of new holds only",
    }

    dependencies = [("ticketing", "0004_waitlist_told")]

    operations = [
        migrations.AddField(
            "reservation", "ends_by", models.DateTimeField(null=True)
        ),
        migrations.AddField(
            "reservation",
            "client",
            models.CharField(blank=True, default="", db_default="", max_length=24),
        ),
        migrations.AddField(
            "reservation",
            "network",
            models.CharField(blank=True, default="", db_default="", max_length=24),
        ),
        AddConstraintNotValid(
            "reservation",
            models.CheckConstraint(
                condition=models.Q(("ends_by", None), ("expires_at__lte", models.F("ends_by")), _connector="OR"),
                name="reservation_ends",
            ),
        ),
        ValidateConstraint("reservation", "reservation_ends"),
    ]
