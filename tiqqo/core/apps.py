from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "tiqqo.core"
    label = "core"
    verbose_name = "Kernel"

    def ready(self) -> None:
        from tiqqo.core import (
            checks,  # noqa: F401  registers the system checks
            figures,  # noqa: F401  registers what the status shows
            retention,  # noqa: F401  registers how long the kernel's own rows stay
            retention_figures,  # noqa: F401  as figures
            security_figures,  # noqa: F401  as figures
        )
