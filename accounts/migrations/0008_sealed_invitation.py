from django.db import migrations

import tiqqo.core.sealed
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    """The secret may be sealed: nothing changes in the database."""

    dependencies = [("accounts", "0007_membership_is_not_its_users_to_delete")]

    operations = [
        migrations.AlterField(
            model_name="invitation",
            name="secret",
            field=tiqqo.core.sealed.SealedCharField(max_length=32),
        ),
        KeepData(
            {
                "sealed secrets, which `manage.py seal_secrets --clear` puts back in clear": "accounts_invitation WHERE secret LIKE '~%'",
            }
        ),
    ]
