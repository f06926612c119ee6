from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0006_success_stays")]

    operations = [
        AddIndexConcurrently(
            model_name="providerevent",
            index=models.Index(
                condition=models.Q(("outcome", "unmatched")),
                fields=["received_at"],
                name="provider_event_unmatched",
            ),
        ),
    ]
