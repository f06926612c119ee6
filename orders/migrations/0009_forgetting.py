from django.db import migrations, models

from tiqqo.core.migration_reversal import KeepData


class Migration(migrations.Migration):
    dependencies = [("orders", "0008_document_files")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="anonymised_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="providerevent",
            name="emptied_at",
            field=models.DateTimeField(null=True),
        ),
        KeepData(
            {
                "whose order is not known any more": "orders_order WHERE anonymised_at IS NOT NULL",
            }
        ),
    ]
    reversal_loses = {
        "orders_providerevent.emptied_at": "when the contents of an event were taken away",
    }
