"""What an event needs before it may be published.

Apps above add their own items with `register`, as Django's system checks do, because only they know
about tickets and payments.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from events.models import Event


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the set-up checklist. `page` is the dashboard route that mends it."""

    code: str
    title: str
    hint: str
    page: str
    is_done: bool
    is_blocking: bool = True
    is_of_organiser: bool = False
    """The page is the organiser's, not the event's."""


Check = Callable[[Event], Item]
_checks: list[Check] = []


def register(check: Check) -> Check:
    if check not in _checks:
        _checks.append(check)
    return check


def checklist(event: Event) -> list[Item]:
    return [check(event) for check in _checks]


def blocking_reasons(event: Event) -> list[str]:
    return [item.title for item in checklist(event) if item.is_blocking and not item.is_done]


def has_dates(event: Event) -> Item:
    done = event.starts_at is not None and event.ends_at is not None
    return Item(
        code="dates",
        title=_("Set the date and time"),
        hint=_("Buyers need to know when to come.") if not done else _("Date and time are set."),
        page="events:setup",
        is_done=done,
    )


def has_place(event: Event) -> Item:
    done = bool(event.venue_name or event.online_url)
    return Item(
        code="place",
        title=_("Say where it is"),
        hint=_("A venue, or a link for online guests.") if not done else event.venue_words,
        page="events:setup",
        is_done=done,
    )


def has_privacy_notice(event: Event) -> Item:
    """The default notice is true but knows nothing of the organiser's own ways (GDPR, art. 13)."""
    done = event.organiser.has_own_privacy_notice
    return Item(
        code="privacy",
        title=_("Add your privacy notice"),
        hint=_("Buyers are shown a short default text until then.")
        if not done
        else _("Your privacy notice is linked."),
        page="accounts:settings",
        is_done=done,
        is_blocking=False,
        is_of_organiser=True,
    )


def has_contact(event: Event) -> Item:
    """Who sells has to say how buyers reach them; it is asked for and never taken from an account."""
    email = event.organiser.support_email
    return Item(
        code="contact",
        title=_("Say how buyers reach you"),
        hint=email or _("An e-mail address for everybody to see, in your settings."),
        page="accounts:settings",
        is_done=bool(email),
        is_of_organiser=True,
    )
