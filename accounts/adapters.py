"""How allauth meets our accounts."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Users are known by their e-mail address; there is no user name to fill."""

    def render_mail(self, *args: Any, **kwargs: Any) -> Any:
        message = super().render_mail(*args, **kwargs)
        message.subject = " ".join(message.subject.split())
        return message
