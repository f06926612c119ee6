from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0009_forgetting")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                condition=models.Q(("anonymised_at", None), ("confirmed_at", None)),
                fields=["placed_at"],
                name="order_never_confirmed",
            ),
        ),
        AddIndexConcurrently(
            model_name="providerevent",
            index=models.Index(
                condition=models.Q(("emptied_at", None)),
                fields=["handled_at"],
                name="provider_event_full",
            ),
        ),
    ]
