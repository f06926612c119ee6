"""The style guide's mails and documents, as they are sent and printed, with believable data."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace, csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts.emails import account_email, invitation_email
from accounts.models import Invitation, Organiser, User
from accounts.permissions import Role
from orders.documents import badges_pdf, invoice_pdf, tickets_document
from orders.emails import email_for
from orders.models import DeliveryKind
from orders.styleguide import (
    Specimen,
    asked_for_place,
    club_night,
    conference,
    hard_case,
    queue_position,
    unpaid_conference,
)
from orders.waitlist_emails import confirmation_email, waitlist_email
from payouts.statement import PayoutStatement, StatementLine, StatementPart, statement_pdf
from ticketing.models import WaitlistStatus
from tiqqo.core import clock
from tiqqo.core.codes import new_secret
from tiqqo.core.money import Money
from tiqqo.ui.emails import Button, Email, EventCard, Heading, Text, address, render_email
from tiqqo.ui.styleguide.views import for_builders


def _account(name: str, **context: object) -> Email:
    message = account_email(
        f"account/email/{name}", {"email": "bo@example.org", "code": "K7QX-29FM", **context}
    )
    assert message is not None
    return message


def _notice() -> Email:
    return _account(
        "password_changed",
        timestamp=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        ip="203.0.113.7",
        user_agent="Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Firefox/145.0",
    )


def _invitation() -> Email:
    organiser = Organiser(name="Blauwe Kikker", slug="blauwe-kikker", accent_colour="#1d4f7c")
    return invitation_email(
        Invitation(
            organiser=organiser,
            email="nils@example.org",
            role=Role.MANAGER,
            secret=new_secret(),
            invited_by=User(name="Ana de Vries"),
            expires_at=clock.now() + timedelta(days=14),
        )
    )


def _campaign() -> Email:
    """What campaigns will fill: words, an event, a button, and the way out that the law asks for."""
    event = club_night().event
    url = address("/blauwe-kikker/mira-solano-quartet/")
    return Email(
        subject="Mira Solano is back, and you hear it first",
        preheader="Two nights in December; the first hundred tickets are for you.",
        heading="Mira Solano is back",
        blocks=[
            Text(
                "Three years after the night that nobody wanted to end, Mira returns with a new"
                " quartet and the songs she wrote on the ferry to Bergen."
            ),
            EventCard(
                title=event.name,
                when="Sat 12 Dec 2026, 20:30 CET",
                where="Blauwe Kikker, Amsterdam",
                price_words="from €24.00",
                url=url,
                summary="Songs for double bass, muted trumpet and a very small choir.",
            ),
            Button("Get tickets", url),
            Heading("Can’t make it?"),
            Text("She plays a second night on the 13th. Same songs, other mistakes."),
        ],
        sender="Blauwe Kikker",
        accent=event.accent,
        footer=[
            "You get this because you asked for our programme when you bought tickets.",
            "Blauwe Kikker, Prinsengracht 214, 1016 HD Amsterdam, the Netherlands",
        ],
        unsubscribe_url=address("/blauwe-kikker/"),
    )


def _statement() -> bytes:
    def lines(*rows: tuple[int, str, str, int]) -> list[StatementLine]:
        return [
            StatementLine(date(2026, 11, day), label, reference, Money(minor, "EUR"))
            for day, label, reference, minor in rows
        ]

    parts = [
        StatementPart("Brought forward", lines((1, "From statement 2026-10", "", 12_060)), "EUR"),
        StatementPart(
            "Mira Solano Quartet",
            lines(
                (3, "2 tickets", "7K2QX9FM", 4800),
                (3, "4 tickets", "M4T0RZ1C", 9600),
                (9, "Refund", "M4T0RZ1C", -4800),
                (9, "Service fee given back", "M4T0RZ1C", 194),
            ),
            "EUR",
        ),
        StatementPart("Jonas Berg Trio", lines((14, "30 tickets at the door", "", 57_000)), "EUR"),
    ]
    return statement_pdf(
        PayoutStatement(
            number="2026-11",
            organiser="Blauwe Kikker",
            account="NL00 BANK 0123 4567 89",
            first_day=date(2026, 11, 1),
            last_day=date(2026, 11, 15),
            paid_on=date(2026, 11, 17),
            parts=parts,
            payout=Money(75_000, "EUR"),
            carried_over=Money(3854, "EUR"),
            accent="#1d4f7c",
        )
    )


def _club(kind: DeliveryKind) -> Callable[[], Email]:
    return lambda: email_for(kind, club_night().facts)


def _unpaid(kind: DeliveryKind) -> Callable[[], Email]:
    return lambda: email_for(kind, unpaid_conference().facts)


def _on_waitlist(status: WaitlistStatus) -> Callable[[], Email]:
    return lambda: waitlist_email(queue_position(status))


MAILS: dict[str, Callable[[], Email]] = {
    "tickets": _club(DeliveryKind.TICKETS),
    "reminder": _club(DeliveryKind.REMINDER),
    "received": lambda: email_for(DeliveryKind.RECEIVED, conference().facts),
    "invoice": lambda: email_for(DeliveryKind.INVOICE, conference().facts),
    "substitute": _club(DeliveryKind.SUBSTITUTE),
    "refunded": _club(DeliveryKind.REFUNDED),
    "refund_failed": _club(DeliveryKind.REFUND_FAILED),
    "canceled": lambda: email_for(DeliveryKind.CANCELED, conference().facts),
    "order-to-confirm": _unpaid(DeliveryKind.CONFIRM_ADDRESS),
    "order-requested": _unpaid(DeliveryKind.REQUESTED),
    "order-due": _unpaid(DeliveryKind.DUE),
    "order-lapsing": _unpaid(DeliveryKind.LAPSING),
    "order-lapsed": _unpaid(DeliveryKind.LAPSED),
    "tickets-hard": lambda: email_for(DeliveryKind.TICKETS, hard_case().facts),
    "waitlist-to-confirm": lambda: confirmation_email(
        asked_for_place(), wishes=["Standing"], url=address("/blauwe-kikker/")
    ),
    "waitlist-joined": _on_waitlist(WaitlistStatus.WAITING),
    "waitlist-offered": _on_waitlist(WaitlistStatus.OFFERED),
    "waitlist-lapsed": _on_waitlist(WaitlistStatus.LAPSED),
    "campaign": _campaign,
    "invitation": _invitation,
    "confirm-address": lambda: _account("email_confirmation_signup"),
    "new-password": lambda: _account("password_reset_code"),
    "sign-in-code": lambda: _account("login_code"),
    "password-changed": _notice,
    "account-exists": lambda: _account(
        "account_already_exists", password_reset_url=address("/accounts/password/reset/")
    ),
    "no-account": lambda: _account("unknown_account", signup_url=address("/accounts/signup/")),
}


def _tickets(make: Callable[[], Specimen], shape: str) -> Callable[[], bytes]:
    def drawn() -> bytes:
        specimen = make()
        return tickets_document(specimen.order, specimen.printed, shape=shape)

    return drawn


DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "ticket": _tickets(club_night, "ticket"),
    "ticket-hard": _tickets(hard_case, "ticket"),
    "phone": _tickets(club_night, "phone"),
    "phone-hard": _tickets(hard_case, "phone"),
    "invoice": lambda: invoice_pdf(conference().invoice),
    "invoice-tax-within": lambda: invoice_pdf(club_night().invoice),
    "invoice-hard": lambda: invoice_pdf(hard_case().invoice),
    "statement": _statement,
    "badges": lambda: badges_pdf(conference().event, conference().printed),
    "badges-sheet": lambda: badges_pdf(conference().event, conference().printed, on_sheets=True),
    "badges-hard": lambda: badges_pdf(hard_case().event, hard_case().printed),
}


@require_safe
@csp_update({"frame-src": [SELF]})
@for_builders
def papers(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide/papers.html", {"mails": MAILS, "documents": DOCUMENTS})


@require_safe
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF], "style-src": [UNSAFE_INLINE], "script-src": [NONE]})
@for_builders
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """The mail's HTML, or with `?text` its twin in plain text."""
    if name not in MAILS:
        raise Http404
    text, html = render_email(MAILS[name]())
    if "text" in request.GET:
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    return HttpResponse(html)


@require_safe
@for_builders
def document(request: HttpRequest, name: str) -> HttpResponse:
    if name not in DOCUMENTS:
        raise Http404
    return HttpResponse(DOCUMENTS[name](), content_type="application/pdf")
