import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_privacy_and_terms"),
    ]

    operations = [
        # The default fills the rows that are there, and those that the release before makes meanwhile.
        migrations.AddField(
            model_name='organiser',
            name='released_at',
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                default=None,
                editable=False,
                null=True,
            ),
        ),
    ]
    reversal_loses = {
        'accounts_organiser.released_at': 'which organisers staff released or withdrew',
    }
