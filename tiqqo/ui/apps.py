from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "tiqqo.ui"
    label = "ui"
    verbose_name = "Interface"
