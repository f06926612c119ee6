from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed

        from accounts import (
            figures,  # noqa: F401  registers what the status shows
            retention,  # noqa: F401  registers how long rows stay
            second_factors,  # noqa: F401  registers what is sealed
            signing_up,
            traces,
        )

        traces.connect()
        email_confirmed.connect(
            signing_up.found_organiser_asked_for, dispatch_uid="found_organiser_asked_for"
        )
