from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from events import readiness
        from orders import (
            figures,  # noqa: F401  registers what the status shows
            receivers,
            retention,  # noqa: F401  registers how long rows stay
        )
        from orders.queries import can_be_paid

        readiness.register(can_be_paid)
        receivers.connect()
