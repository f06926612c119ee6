from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import (
            figures,  # noqa: F401  registers what the status shows
            second_factors,  # noqa: F401  registers what is sealed
        )
