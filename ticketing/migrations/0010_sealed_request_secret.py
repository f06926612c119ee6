from django.db import migrations

import tiqqo.core.codes
import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The secret may be sealed: nothing changes in the database."""

    dependencies = [("ticketing", "0009_sealed_secrets")]

    operations = [
        migrations.AlterField(
            model_name="waitlistrequest",
            name="secret",
            field=tiqqo.core.sealed.SealedCharField(
                default=tiqqo.core.codes.new_secret, max_length=32, unique=True
            ),
        ),
        KeepData(
            {
                "sealed secrets of the waitlist, which `manage.py seal_secrets --clear` puts back in clear": "ticketing_waitlistrequest WHERE secret LIKE '~%'",
            }
        ),
    ]
