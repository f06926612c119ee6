"""Tries to sign in: whoever guesses is slowed down, not the owner and not everybody beside the guesser.

Counted is what fails: of one client at one account, of one client, and, of one account, what comes from
devices that never signed in to it. A device that did is known by a cookie, or is signed in, so that an owner
gets in whatever strangers try (OWASP, Authentication Cheat Sheet: device cookies). On a new device a new
password does, by a code that only the owner is mailed.
"""

from collections.abc import Iterator
from secrets import token_urlsafe

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from tiqqo.core.clients import client_of, network_of
from tiqqo.core.errors import DomainError
from tiqqo.core.limits import Limit

AT_ONE_ACCOUNT = Limit("sign-in", count=5, seconds=300, in_database=True)
BY_ONE_CLIENT = Limit("sign-in-client", count=30, seconds=600, in_database=True)
# So that no single network uses up what an account has for strangers.
BY_ONE_NETWORK = Limit("sign-in-network", count=15, seconds=3600, in_database=True)
BY_STRANGERS = Limit("sign-in-strangers", count=50, seconds=3600, in_database=True)
BY_A_DEVICE = Limit("sign-in-device", count=20, seconds=3600, in_database=True)

COOKIE = "device"
COOKIE_AGE = 60 * 60 * 24 * 365
SALT = "accounts.device"
MOST_ACCOUNTS = 10

Spent = list[tuple[Limit, tuple[object, ...]]]


def begin_attempt(request: HttpRequest, email: str) -> Spent:
    """A try is counted until it turns out to be right; what was counted. Raises TooManyRequests."""
    spent: Spent = []
    for limit, who in _counted(request, email.strip().lower()):
        try:
            limit.spend(*who)
        except DomainError:
            forgive(spent)
            raise
        spent.append((limit, who))
    return spent


def forgive(spent: Spent) -> None:
    """It was right after all, or counted elsewhere."""
    for limit, who in spent:
        limit.give_back(*who)


def remember_device(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """The browser that signed in is known at this account from now on."""
    device, accounts = _device_of(request) or (token_urlsafe(12), [])
    accounts = [user.pk, *(pk for pk in accounts if pk != user.pk)][:MOST_ACCOUNTS]
    response.set_cookie(
        COOKIE,
        signing.dumps([device, accounts], salt=SALT),
        max_age=COOKIE_AGE,
        path=reverse("account_login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _counted(request: HttpRequest, email: str) -> Iterator[tuple[Limit, tuple[object, ...]]]:
    client = client_of(request)
    yield AT_ONE_ACCOUNT, (client, email)
    yield BY_ONE_CLIENT, (client,)
    device = _device_at(request, email)
    if device:
        yield BY_A_DEVICE, (device, email)
    else:
        yield BY_ONE_NETWORK, (network_of(request), email)
        yield BY_STRANGERS, (email,)


def _device_at(request: HttpRequest, email: str) -> str:
    """What the browser is known by at this account; nothing where it never signed in to it."""
    if request.user.is_authenticated and request.user.email == email:
        return f"session of {request.user.pk}"
    device, accounts = _device_of(request) or ("", [])
    is_known = accounts and User.objects.filter(email=email, pk__in=accounts).exists()
    return device if is_known else ""


def _device_of(request: HttpRequest) -> tuple[str, list[int]] | None:
    """The browser's name and the accounts that it signed in to."""
    cookie = request.COOKIES.get(COOKIE)
    if cookie is None:
        return None
    try:
        device, accounts = signing.loads(cookie, salt=SALT, max_age=COOKIE_AGE)
    except signing.BadSignature:
        return None
    return device, accounts
