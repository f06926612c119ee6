from django.db import migrations

import tiqqo.core.codes
import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The secret may be sealed: nothing changes in the database."""

    dependencies = [("ticketing", "0008_waitlist_request")]

    operations = [
        migrations.AlterField(
            model_name="reservation",
            name="secret",
            field=tiqqo.core.sealed.SealedCharField(
                default=tiqqo.core.codes.new_secret, max_length=32, unique=True
            ),
        ),
        migrations.AlterField(
            model_name="waitlistentry",
            name="secret",
            field=tiqqo.core.sealed.SealedCharField(
                default=tiqqo.core.codes.new_secret, max_length=32, unique=True
            ),
        ),
        KeepData(
            {
                "sealed secrets of holds, which `manage.py seal_secrets --clear` puts back in clear": "ticketing_reservation WHERE secret LIKE '~%'",
                "sealed secrets of the waitlist, which the same puts back": "ticketing_waitlistentry WHERE secret LIKE '~%'",
            }
        ),
    ]
