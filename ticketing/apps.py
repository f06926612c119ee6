from django.apps import AppConfig


class TicketingConfig(AppConfig):
    name = "ticketing"

    def ready(self) -> None:
        from events import readiness
        from ticketing import retention  # noqa: F401  registers how long rows stay
        from ticketing.queries import has_tickets

        readiness.register(has_tickets)
