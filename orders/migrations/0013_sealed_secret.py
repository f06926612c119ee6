from django.db import migrations

import tiqqo.core.codes
import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The secret may be sealed: nothing changes in the database."""

    dependencies = [("orders", "0012_order_to_be_paid")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="secret",
            field=tiqqo.core.sealed.SealedCharField(
                default=tiqqo.core.codes.new_secret, max_length=32
            ),
        ),
        KeepData(
            {
                "sealed secrets, which `manage.py seal_secrets --clear` puts back in clear": "orders_order WHERE secret LIKE '~%'",
            }
        ),
    ]
