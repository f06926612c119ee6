from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events import readiness

        readiness.register(readiness.has_dates)
        readiness.register(readiness.has_place)
        readiness.register(readiness.has_privacy_notice)
        readiness.register(readiness.has_contact)
