from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class UiConfig(AppConfig):
    name = "tiqqo.ui"
    label = "ui"
    verbose_name = "Interface"
    default = True

    def ready(self) -> None:
        from tiqqo.ui.static_files import register_checks

        register_checks()


class StaticFiles(StaticFilesConfig):
    """Django's, without the style sheets of documents: only WeasyPrint reads them, from the disk."""

    default = False
    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "css/documents/*"]  # noqa: RUF012
