from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("orders", "0011_address_and_due"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(
                condition=models.Q(('payment_due_at__isnull', False), ('status', 'OFFLINE_PENDING')),
                fields=['payment_due_at'],
                name='order_to_be_paid',
            ),
        ),
    ]
