"""What sign-up asked for waits until the address is confirmed.

It waits in the session: whoever enters the code from the mail in the window where they signed up gets
what they asked for there. Somebody who signs up with another person's address gets nothing, and neither
does that person get what a stranger typed, should they take over the account by a new password.
"""

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.operations import found_organiser
from accounts.queries import memberships_of

_KEY = "organiser_asked_for"


def remember_organiser(request: HttpRequest, user: User, *, name: str) -> None:
    """The organiser will be founded when this user's address is confirmed in this session."""
    request.session[_KEY] = {"user": user.pk, "name": name}


def found_organiser_asked_for(*, request: HttpRequest | None, email_address: Any, **_: Any) -> None:
    """The address is confirmed: the organiser that its user asked for in this session exists."""
    asked = request.session.pop(_KEY, None) if request is not None else None
    user: User = email_address.user
    if asked and asked["user"] == user.pk and not memberships_of(user):
        found_organiser(name=asked["name"], owner=user)
