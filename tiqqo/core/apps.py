from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "tiqqo.core"
    label = "core"
    verbose_name = "Kernel"

    def ready(self) -> None:
        from tiqqo.core import (
            checks,  # noqa: F401  registers the system checks
            figures,  # noqa: F401  registers what the status shows
        )
