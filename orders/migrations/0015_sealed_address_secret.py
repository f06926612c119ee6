from django.db import migrations

import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The secret may be sealed: nothing changes in the database."""

    dependencies = [("orders", "0014_ticket_letters")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="address_secret",
            field=tiqqo.core.sealed.SealedCharField(
                blank=True, db_default="", default="", max_length=32
            ),
        ),
        KeepData(
            {
                "sealed secrets, which `manage.py seal_secrets --clear` puts back in clear": "orders_order WHERE address_secret LIKE '~%'",
            }
        ),
    ]
