from django.db import migrations, models
from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='organiser',
            name='language',
            field=models.CharField(default='en', max_length=10, verbose_name='language'),
        ),
        KeepData(
            {
                'languages of organisers': "accounts_organiser WHERE language <> 'en'",
            }
        ),
    ]
