"""What each role comes to see on every page and in every file: reading rights carry no capability."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lxml.html import fromstring

from accounts.models import Invitation, Membership
from accounts.operations import invite_member
from accounts.permissions import Permission, Role, may
from events.operations import change_event
from orders.codes import ticket_code
from orders.models import Order, Ticket
from tests.architecture.test_routes import visited
from tests.cast import DORA, MembershipFactory
from ticketing.models import Allocation, Code, Reservation, WaitlistEntry, WaitlistMethod
from ticketing.operations import set_waitlist

# Who sees what. Whoever has one of the first five may act with it, or let others act.
SHOWN = {
    "buyer's link": Permission.MANAGE_ORDERS,
    "ticket's letters": Permission.MANAGE_ORDERS,
    "badges": Permission.MANAGE_ORDERS,
    "discount code": Permission.EDIT_EVENTS,
    "link for online guests": Permission.EDIT_EVENTS,
    "partner's code": Permission.EDIT_EVENTS,
    "buyer's address": Permission.VIEW_ORDERS,
    "attendee's address": Permission.VIEW_ORDERS,
    "address in line": Permission.VIEW_ORDERS,
    "member's address": Permission.MANAGE_TEAM,
}
ONLINE = "https://live.example/join-3f9c"
# On no page of the dashboard or the door, whoever asks.
NEVER = {"QR", "hold's link", "link in line", "invitation's link"}


def looked_for(house) -> dict[str, set[str]]:
    """What would be on a page, by what it is."""
    with house.scope():
        invite_member(house.organiser, email="nina@example.org", role=Role.VIEWER, by=house.owner)
        tickets = list(Ticket.objects.select_related("event__key"))
        partner = Allocation.objects.get()
        return {
            "buyer's link": {order.secret for order in Order.objects.all()},
            "ticket's letters": {ticket.code for ticket in tickets},
            "QR": {ticket_code(t, bytes(t.event.key.private_key)) for t in tickets},
            "discount code": {"FRIEND"},
            "link for online guests": {ONLINE},
            "partner's code": set(
                Code.objects.filter(promotion__allocation=partner).values_list("text", flat=True)
            ),
            "buyer's address": {"carla@example.org"},
            "attendee's address": {DORA.email},
            "address in line": {entry.email for entry in WaitlistEntry.objects.all()},
            "link in line": {entry.secret for entry in WaitlistEntry.objects.all()},
            "hold's link": {hold.secret for hold in Reservation.objects.all()},
            "invitation's link": {invitation.secret for invitation in Invitation.objects.all()},
            "member's address": {house.scanner.user.email},
        }


@contextmanager
def house_to_look_at(house) -> Iterator[tuple[list[str], dict[str, set[str]]]]:
    """Every address of the house, and what to look for behind them."""
    with house.scope():
        change_event(house.event, by=house.owner, online_url=ONLINE)
        house.place_free(1, attendees=(DORA,))
        set_waitlist(house.event, method=WaitlistMethod.FIRST_COME, offer_hours=12, by=house.owner)
    addresses = [url for url, _route in visited(house)]
    event = f"/o/{house.organiser.slug}/events/{house.event.slug}"
    with house.scope():
        addresses += [f"{event}/orders/{each.code}/" for each in Order.objects.all()]
        addresses += [f"{event}/orders.csv?search=carla", f"{event}/badges.pdf?sheet"]
    yield addresses, looked_for(house)


def seen_by(client, user, addresses, known) -> set[str]:
    client.force_login(user)
    seen = set()
    for url in addresses:
        response = client.get(url)
        if response.status_code in (200, 202):
            text = b"".join(response).decode(errors="replace")
            seen |= {what for what, words in known.items() if any(w in text for w in words)}
            if "badges.pdf" in url:
                seen.add("badges")
    return seen


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_what_the_table_says_and_nothing_else(cast, client, role):
    member = MembershipFactory(organiser=cast.kikker.organiser, role=role)

    with house_to_look_at(cast.kikker) as (addresses, known):
        seen = seen_by(client, member.user, addresses, known)

    assert all(known.values()), "something to look for is not there"
    assert seen & NEVER == set()
    assert seen == {what for what, permission in SHOWN.items() if may(role, permission)}


def test_negative_control_a_viewer_who_is_let_through_is_noticed(cast, client, monkeypatch):
    viewer = MembershipFactory(organiser=cast.kikker.organiser, role=Role.VIEWER)
    monkeypatch.setattr(Membership, "may", lambda _member, _permission: True)

    with house_to_look_at(cast.kikker) as (addresses, known):
        seen = seen_by(client, viewer.user, addresses, known)

    assert seen == set(SHOWN)


def test_a_viewer_finds_no_order_by_the_letters_of_its_ticket(cast, client):
    """A search that answers yes or no would give them away one after the other."""
    viewer = MembershipFactory(organiser=cast.kikker.organiser, role=Role.VIEWER)
    with house_to_look_at(cast.kikker) as (_addresses, known):
        client.force_login(viewer.user)
        event = f"/o/{cast.kikker.organiser.slug}/events/{cast.kikker.event.slug}"
        for what in ("ticket's letters", "buyer's link"):
            for word in known[what]:
                answer = client.get(f"{event}/orders.csv", {"search": word})
                assert b"".join(answer).count(b"\r\n") == 1, what
                page = client.get(f"{event}/people/", {"search": word}).content.decode()
                assert "Nobody matches" in page, what


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, Role.MARKETING])
def test_a_tab_or_number_leads_nowhere_that_is_refused(cast, client, role):
    member = MembershipFactory(organiser=cast.kikker.organiser, role=role)
    client.force_login(member.user)
    with house_to_look_at(cast.kikker) as (addresses, _known):
        pages = [url for url in addresses if client.get(url).status_code == 200]
        led_to = {
            link.split("#")[0]
            for url in pages
            if ".csv" not in url and ".pdf" not in url
            for link in links_of(client.get(url).content.decode())
        }

    assert {link for link in led_to if client.get(link).status_code == 403} == set()


def links_of(html: str) -> list[str]:
    return [a for a in fromstring(html).xpath("//a/@href") if a.startswith("/o/")]
