"""Asking for a place in a waitlist's line, and showing that the address is one's own."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max

from events.models import Event
from people.operations import normalise_email
from ticketing import facts
from ticketing.catalogue import catalogue_of
from ticketing.errors import AlreadyInLine, NotSoldOut, RequestOver
from ticketing.models import (
    PLACE_KEPT_FOR,
    REQUEST_LASTS,
    WaitlistEntry,
    WaitlistRequest,
    WaitlistStatus,
)
from ticketing.operations.waitlist_entries import (
    WRITES_AGAIN_AFTER,
    Confirmed,
    Newcomer,
    Place,
    end_overdue_offer,
    join_waitlist,
    refuse_to_wait,
    send_place_again,
)
from ticketing.queries.waitlist import waitables
from ticketing.waitlist_queue import Wish
from tiqqo.core import clock
from tiqqo.core.tenancy import platform_scope

MAIL_TRIES = 8
MAIL_CLAIM_LASTS = timedelta(minutes=2)
FORGOTTEN_AT_ONCE = 1000


def request_place(
    event: Event, *, who: Newcomer, quantity: int, wishes: Sequence[Wish]
) -> WaitlistRequest | None:
    """A mail asks whoever has the address whether they want to wait; None where it stands in line
    already, and then the mail has the link to that place. Whoever asks learns nothing of either.

    Nothing is kept or counted until it is confirmed. Asking again replaces what was asked for. To one
    address no more than one such mail goes out in `WRITES_AGAIN_AFTER`.
    Raises NoWaitlist, WaitlistClosed, SalesClosed, NothingWished, NotSoldOut, TooManyTickets,
    TooFewTickets.
    """
    refuse_to_wait(event, wishes=wishes, quantity=quantity)
    email_key = normalise_email(who.email)
    end_overdue_offer(event, email_key)
    is_on_waitlist = WaitlistEntry.objects.filter(
        event=event,
        email_key=email_key,
        status__in=[WaitlistStatus.WAITING, WaitlistStatus.OFFERED],
    ).exists()
    if is_on_waitlist:
        send_place_again(event, email=who.email)
        return None
    try:
        return _request(event, who, email_key, quantity, wishes)
    except IntegrityError as error:
        if "waitlist_request_once" not in str(error):
            raise
    # The same form came twice at once: the second finds the request of the first.
    return _request(event, who, email_key, quantity, wishes)


@transaction.atomic
def _request(
    event: Event, who: Newcomer, email_key: str, quantity: int, wishes: Sequence[Wish]
) -> WaitlistRequest:
    now = clock.now()
    rows = WaitlistRequest.objects.select_for_update(of=("self",))
    request = rows.filter(event=event, email_key=email_key).first()
    if request is None or request.expires_at <= now:
        if request is not None:
            request.delete()
        request = WaitlistRequest(event=event, email_key=email_key, place_id=0)
    if not request.place_id or request.asked_at <= now - PLACE_KEPT_FOR:
        request.place_id, request.asked_at = _new_place_id(), now
    request.name, request.email = " ".join(who.name.split()), who.email.strip()
    request.locale, request.consent_text = who.locale, who.consent_text
    request.quantity = quantity
    request.wishes = [[wish.ticket_type_id, wish.release_id, wish.slot_id] for wish in wishes]
    request.expires_at = now + REQUEST_LASTS
    if request.mail_due_at is None or request.mail_attempts >= MAIL_TRIES:
        request.mail_attempts, request.mail_due_at = 0, _mail_due_at(email_key, now)
    request.save()
    if request.mail_due_at <= now:
        _announce(request)
    return request


def _new_place_id() -> int:
    """The id of the entry that is made next: whoever asks later has a higher one."""
    with connection.cursor() as cursor:
        table = WaitlistEntry._meta.db_table
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
        return int(cursor.fetchone()[0])


def _mail_due_at(email_key: str, now: datetime) -> datetime:
    """When this address may be written to next, whichever organiser's event made us write last."""
    with platform_scope("see when an address was last asked to confirm a place in line"):
        last = WaitlistRequest.objects.filter(email_key=email_key).aggregate(last=Max("mailed_at"))
    return now if last["last"] is None else max(now, last["last"] + WRITES_AGAIN_AFTER)


def _announce(request: WaitlistRequest) -> None:
    transaction.on_commit(
        lambda: facts.place_requested.send(
            WaitlistRequest, request_id=request.pk, organiser_id=request.organiser_id
        ),
        robust=True,
    )


@transaction.atomic
def confirm_request(request: WaitlistRequest) -> WaitlistEntry:
    """They stand in line: where they would have stood when they asked, if that was less than
    `PLACE_KEPT_FOR` ago, else behind all others. They know their place, so no mail tells them of it.

    What is no longer sold out of their wishes is left out. Raises RequestOver, NoWaitlist,
    WaitlistClosed, SalesClosed, NotSoldOut, TooManyTickets, TooFewTickets.
    """
    now = clock.now()
    waitlist_request = (
        WaitlistRequest.objects.select_related("event__organiser")
        .select_for_update(of=("self",))
        .filter(pk=request.pk, expires_at__gt=now)
        .first()
    )
    if waitlist_request is None:
        raise RequestOver
    place = None
    if waitlist_request.asked_at > now - PLACE_KEPT_FOR:
        place = Place(waitlist_request.place_id, waitlist_request.asked_at)
    try:
        with transaction.atomic():
            entry = join_waitlist(
                waitlist_request.event,
                who=Newcomer(
                    waitlist_request.name,
                    waitlist_request.email,
                    waitlist_request.consent_text,
                    waitlist_request.locale,
                ),
                quantity=waitlist_request.quantity,
                wishes=_still_wanted(waitlist_request),
                confirmed=Confirmed(waitlist_request.secret, place),
            )
    except AlreadyInLine:
        # They got in line otherwise meanwhile.
        entry = WaitlistEntry.objects.get(
            event=waitlist_request.event_id,
            email_key=waitlist_request.email_key,
            status__in=[WaitlistStatus.WAITING, WaitlistStatus.OFFERED],
        )
    waitlist_request.delete()
    return entry


def _still_wanted(request: WaitlistRequest) -> list[Wish]:
    wanted = [Wish(*ids) for ids in request.wishes]
    sold_out = {thing.wish for thing in waitables(request.event, at=clock.now())}
    wishes = [wish for wish in wanted if wish in sold_out]
    if not wishes:
        types = catalogue_of(request.event).types
        named = [types[wish.ticket_type_id].name for wish in wanted if wish.ticket_type_id in types]
        raise NotSoldOut(subject=named[0] if named else request.event.name)
    return wishes


# Its mail -------------------------------------------------------------------------------


def claim_request_mail(request_id: int) -> WaitlistRequest | None:
    """The request, if its mail is due and nobody else sends it; the claim lapses by itself."""
    now = clock.now()
    due = WaitlistRequest.objects.filter(
        pk=request_id, mail_due_at__lte=now, expires_at__gt=now, mail_attempts__lt=MAIL_TRIES
    )
    mine = due.update(mail_due_at=now + MAIL_CLAIM_LASTS, mail_attempts=F("mail_attempts") + 1)
    if not mine:
        return None
    request: WaitlistRequest = WaitlistRequest.objects.select_related("event__organiser").get(
        pk=request_id
    )
    return request


def mark_request_mailed(request: WaitlistRequest) -> None:
    """The mail server has its mail, or will never take it."""
    WaitlistRequest.objects.filter(pk=request.pk).update(mail_due_at=None, mailed_at=clock.now())


def mark_request_not_mailed(request: WaitlistRequest) -> None:
    """It is tried again a little later each time."""
    pause = timedelta(seconds=15 * 2**request.mail_attempts)
    WaitlistRequest.objects.filter(pk=request.pk).update(mail_due_at=clock.now() + pause)


def forget_lapsed_requests(*, at: datetime) -> int:
    """Requests that nobody confirmed in time are gone, and with them the address; how many."""
    lapsed = WaitlistRequest.objects.filter(expires_at__lte=at)
    found = list(lapsed.order_by("expires_at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return lapsed.filter(pk__in=found).delete()[0]
