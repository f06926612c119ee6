"""Every route says who may open it, and nobody else can."""

import re

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import RESERVED_SLUGS
from checkin.models import Admission
from checkin.operations import admit_ticket
from events.models import RESERVED_SLUGS as RESERVED_EVENT_SLUGS
from orders.models import Order
from ticketing.models import CapacityPool, TimeSlot, WaitlistEntry
from ticketing.operations import allocate_stock, create_coded_promotion
from tiqqo.core.models import AuditEntry
from tiqqo.core.tenancy import platform_scope


def patterns(resolver=None, prefix=""):
    """(address pattern, route) of every view, with its namespaces put together."""
    for entry in (resolver or get_resolver()).url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, address)
        elif isinstance(entry, URLPattern):
            yield address, entry


ROUTES = list(patterns())
MEMBERS = [(a, r) for a, r in ROUTES if a.startswith(("o/", "door/"))]
PUBLIC = [(a, r) for a, r in ROUTES if a.startswith("<slug:organiser_slug>/")]


def test_there_are_routes_to_look_at():
    assert len(MEMBERS) >= 38
    assert len(PUBLIC) >= 10


def test_every_dashboard_and_door_view_names_its_permission():
    bare = [address for address, route in MEMBERS if not hasattr(route.callback, "permission")]

    assert bare == ["door/"]


def test_every_public_view_is_marked_and_none_of_them_is_a_members():
    assert [a for a, route in PUBLIC if not getattr(route.callback, "is_public", False)] == []
    assert [a for a, route in PUBLIC if hasattr(route.callback, "permission")] == []


def test_no_organiser_can_take_the_address_of_a_page():
    first = {re.split(r"[/<(^]", address.lstrip("^"))[0] for address, _route in ROUTES}

    # An address with a point in it, such as robots.txt, is no slug.
    assert {word for word in first if word and "." not in word} - RESERVED_SLUGS == set()


def test_no_event_can_take_the_address_of_a_page():
    taken = set()
    for address, _route in ROUTES:
        for base in ("o/<slug:organiser_slug>/events/", "<slug:organiser_slug>/"):
            if address.startswith(base):
                word = address.removeprefix(base).split("/")[0]
                taken |= {word} if word and "<" not in word else set()

    assert taken == RESERVED_EVENT_SLUGS


def visited(house):
    """Every dashboard and door address of a house, with things that exist in it."""
    with house.scope():
        order = house.place_invoice(1, by=house.owner)
        ticket = house.place_free(1).tickets.get()
        admission = admit_ticket(
            house.event, ticket.code, by=house.scanner, early=True
        ).admission_id
        ticket_type = house.priced.ticket_type.code
        allocation = allocate_stock(
            house.priced.ticket_type,
            company_name="Partner",
            quantity=1,
            returns_at=None,
            by=house.owner,
        )
        promotion = create_coded_promotion(
            house.event,
            name="Friends",
            kind="percent",
            rate_bp=1000,
            text="FRIEND",
            uses_limit=None,
            by=house.owner,
        )
        event = house.event
        slot = TimeSlot.objects.create(event=event, starts_at=event.starts_at)
        CapacityPool.objects.create(event=event, slot=slot)
        pool = CapacityPool.objects.create(event=event, name="Floor")
        entry = WaitlistEntry.objects.create(
            event=event, name="Dora", email="d@example.org", email_key="d@example.org", quantity=1
        )
        hold = house.reserve(free=1)
    known = {
        "slot_code": slot.code,
        "day": event.local(slot.starts_at).date().isoformat(),
        "pool_id": pool.pk,
        "entry_id": entry.pk,
        "hold_id": hold.pk,
        "organiser_slug": house.organiser.slug,
        "event_slug": house.event.slug,
        "code": order.code,
        "type_code": ticket_type,
        "release_code": house.priced.code,
        "allocation_code": allocation.code,
        "promotion_id": promotion.pk,
        "text": "FRIEND",
        "membership_id": house.scanner.pk,
        "invitation_id": 1,
        "admission_id": admission,
    }
    for address, route in MEMBERS:
        if address == "door/":
            continue

        def filled(match):
            return str(known[match.group(1)])

        yield "/" + re.sub(r"<\w+:(\w+)>", filled, address), route


def everything():
    with platform_scope("a test compares before and after"):
        return (
            AuditEntry.objects.count(),
            Order.objects.values_list("status", "invoice_sent_at", "settled_at").order_by("id")[
                ::1
            ],
            Admission.objects.values_list("id", "undone_at").order_by("id")[::1],
        )


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing_of_another_organiser(cast, client, queue, method):
    client.force_login(cast.fjord.owner.user)
    addresses = list(visited(cast.kikker))
    before = everything()

    answers = {url: getattr(client, method)(url).status_code for url, _route in addresses}

    assert {url: status for url, status in answers.items() if status != 404} == {}
    assert (everything(), queue.jobs) == (before, [])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_scanner_opens_the_door_and_nothing_else(cast, client, queue, method):
    client.force_login(cast.kikker.scanner.user)
    addresses = [(u, r) for u, r in visited(cast.kikker) if not u.startswith("/door/")]
    before = everything()

    answers = {url: getattr(client, method)(url).status_code for url, _route in addresses}

    assert {url: status for url, status in answers.items() if status != 403} == {}
    assert (everything(), queue.jobs) == (before, [])


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_asked_to_sign_in(cast, client, method):
    for url, _route in visited(cast.kikker):
        response = getattr(client, method)(url)
        assert (response.status_code, response.url.split("?")[0]) == (
            302,
            reverse(settings.LOGIN_URL),
        )


def test_a_page_of_one_organiser_does_not_open_with_the_others_address(cast, client):
    """The event of A below the address of B."""
    client.force_login(cast.fjord.owner.user)
    for url, _route in visited(cast.kikker):
        mixed = url.replace("blauwe-kikker", "fjord-tech")
        if cast.kikker.event.slug in mixed:
            assert client.get(mixed).status_code in (404, 405), mixed
            assert client.post(mixed).status_code in (404, 405), mixed
