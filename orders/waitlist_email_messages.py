"""The waitlist's mails, ready to be sent."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import translation

from orders.waitlist_emails import WaitlistEmailFacts, confirmation_email, waitlist_email
from people.consent_links import one_click_headers
from ticketing.models import WaitlistEntry, WaitlistRequest, WaitlistStatus
from ticketing.queries import lines_of
from ticketing.queries.waitlist import OwnEntry, own_entry, words_of_request
from ticketing.selling import name_of
from tiqqo.core import clock
from tiqqo.ui.dates import words_for
from tiqqo.ui.emails import render_email


def entry_url(entry: WaitlistEntry) -> str:
    """The page of one's own place: its secret is the permission."""
    return _url("shop:waitlist_entry", entry, secret=entry.secret)


def waitlist_mail(entry: WaitlistEntry) -> EmailMultiAlternatives:
    """The mail about how they stand, complete."""
    organiser = entry.event.organiser
    with translation.override(entry.locale):
        message = waitlist_email(_facts(own_entry(entry, at=clock.now())))
        text, html = render_email(message)
    mail = EmailMultiAlternatives(
        subject=message.subject,
        body=text,
        to=[entry.email],
        reply_to=[organiser.support_email] if organiser.support_email else None,
        headers=_unsubscribe_headers(entry),
    )
    mail.attach_alternative(html, "text/html")
    return mail


def _unsubscribe_headers(entry: WaitlistEntry) -> dict[str, str]:
    """These mails rest on consent, which a mail program takes back by one click (RFC 8058)."""
    if not entry.is_on_waitlist:
        return {}
    return one_click_headers(_url("shop:waitlist_departure", entry, secret=entry.secret))


def confirmation_mail(request: WaitlistRequest) -> EmailMultiAlternatives:
    """The mail that asks whether they want to wait, complete."""
    with translation.override(request.locale):
        wishes = words_of_request(request)
        message = confirmation_email(request, wishes=wishes, url=_request_url(request))
        text, html = render_email(message)
    mail = EmailMultiAlternatives(subject=message.subject, body=text, to=[request.email])
    mail.attach_alternative(html, "text/html")
    return mail


def _request_url(request: WaitlistRequest) -> str:
    where = {"organiser_slug": request.event.organiser.slug, "event_slug": request.event.slug}
    path = reverse("shop:waitlist_entry", kwargs={**where, "secret": request.secret})
    return str(settings.BASE_URL + path)


def _facts(own: OwnEntry) -> WaitlistEmailFacts:
    entry = own.entry
    is_offer = own.status == WaitlistStatus.OFFERED and entry.reservation is not None
    return WaitlistEmailFacts(
        own=own,
        url=entry_url(entry),
        checkout_url=_url("shop:checkout", entry, secret=entry.reservation.secret)
        if entry.reservation
        else "",
        join_url=_url("shop:waitlist", entry),
        offered=offered_words(entry) if is_offer else (),
    )


def offered_words(entry: WaitlistEntry) -> list[str]:
    """What the offer holds: 2 × Regular · Sat 12 Dec, 20:00."""
    assert entry.reservation is not None, "an offer holds something"
    words = []
    for line in lines_of(entry.reservation):
        at = line.slot_starts_at
        slot = f" · {words_for(at, entry.event.time_zone, 'datetime')}" if at else ""
        words.append(f"{line.quantity} × {name_of(line)}{slot}")
    return words


def _url(name: str, entry: WaitlistEntry, **more: str) -> str:
    where = {"organiser_slug": entry.event.organiser.slug, "event_slug": entry.event.slug}
    return settings.BASE_URL + reverse(name, kwargs={**where, **more})
