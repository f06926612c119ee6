from django.db import migrations

import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The key may be sealed: nothing changes in the database."""

    dependencies = [("events", "0005_invoice_terms")]

    operations = [
        migrations.AlterField(
            model_name="eventkey",
            name="private_key",
            field=tiqqo.core.sealed.SealedBinaryField(max_length=32),
        ),
        KeepData(
            {
                "sealed secrets, which `manage.py seal_secrets --clear` puts back in clear": "events_eventkey WHERE octet_length(private_key) > 32",
            }
        ),
    ]
