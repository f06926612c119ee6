"""The door's pages: what a scanner sees, what the server answers to a code, and what it costs."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from lxml import html

from accounts.permissions import Role
from checkin.models import Admission
from checkin.operations import admit_ticket
from events.models import Event, EventStatus
from events.operations import change_event
from orders.codes import ticket_code
from orders.models import Ticket
from orders.operations import cancel_order, replace_code
from tests.cast import DORA, EMIL, EventFactory, MembershipFactory, UserFactory
from tiqqo.core import clock, security_log
from tiqqo.core.models import SecurityEntry

FETCH = {"X-Requested-With": "fetch"}

pytestmark = pytest.mark.django_db


def door(house, name="scan", **more):
    address = {"organiser_slug": house.organiser.slug, "event_slug": house.event.slug}
    return reverse(f"door:{name}", kwargs=address | more)


def tickets_of(order):
    return list(Ticket.objects.filter(order=order).order_by("id"))


def qr_of(ticket):
    return ticket_code(ticket, ticket.event.key.private_key)


def tree_of(response):
    return html.fromstring(response.content.decode())


def with_class(response, name):
    return tree_of(response).find_class(name)


def text_of(*parts):
    """What they say, with single spaces."""
    return " ".join(" ".join(part.text_content().split()) for part in parts)


def words(response, name):
    """The text of what has this class."""
    return text_of(*with_class(response, name))


def words_at(response, anchor):
    """The text of what has this id."""
    return text_of(tree_of(response).get_element_by_id(anchor))


def verdict(response):
    [found] = tree_of(response).xpath("//@data-verdict")
    return found


@pytest.fixture
def house(cast):
    """Its event begins in an hour."""
    house = cast.kikker
    with house.scope():
        starts_at = clock.now() + timedelta(hours=1)
        house.event = change_event(house.event, by=house.owner, starts_at=starts_at)
    return house


@pytest.fixture
def tickets(house):
    """Dora's and Emil's."""
    with house.scope():
        return tickets_of(house.place_free(2, attendees=(DORA, EMIL)))


@pytest.fixture
def scanner(client, house):
    client.force_login(house.scanner.user)
    return client


@pytest.fixture
def scan(scanner, house):
    def post(code, **fields):
        return scanner.post(door(house, "admissions"), {"code": code} | fields, headers=FETCH)

    return post


def stands(ticket):
    return Admission.objects.filter(ticket=ticket, undone_at=None).count()


# Who sees what --------------------------------------------------------------------------


def test_home_lists_the_events_that_somebody_may_scan_at(scanner, house, cast):
    page = scanner.get(reverse("door:home"))

    assert page.status_code == 200
    assert [link.get("href") for link in with_class(page, "door-list__item")] == [door(house)]
    assert cast.fjord.event.name not in page.content.decode()


def test_home_lists_the_events_of_all_organisers_by_their_beginning(client, cast):
    user = UserFactory()
    for house in (cast.fjord, cast.kikker):
        MembershipFactory(organiser=house.organiser, user=user, role=Role.SCANNER)
    client.force_login(user)
    with cast.fjord.scope():
        later = cast.fjord.event.starts_at + timedelta(hours=1)
        Event.objects.filter(pk=cast.fjord.event.pk).update(starts_at=later)

    page = client.get(reverse("door:home"))

    assert [link.get("href") for link in with_class(page, "door-list__item")] == [
        door(cast.kikker),
        door(cast.fjord),
    ]


def test_home_without_events_says_what_is_missing(client):
    client.force_login(UserFactory())

    page = client.get(reverse("door:home"))

    assert page.status_code == 200
    assert "No door to work at" in words(page, "empty")


def test_home_leaves_out_drafts_and_what_is_long_over(scanner, house):
    with house.scope():
        EventFactory(organiser=house.organiser, by=house.owner, name="A draft")
    after = house.event.ends_at + timedelta(days=1, minutes=1)

    assert "A draft" not in scanner.get(reverse("door:home")).content.decode()
    with time_machine.travel(after, tick=False):
        scanner.force_login(house.scanner.user)
        assert "No door to work at" in words(scanner.get(reverse("door:home")), "empty")


def test_scan_page_is_ready_before_any_script(scanner, house, tickets):
    page = scanner.get(door(house))

    assert page.status_code == 200
    [form] = with_class(page, "desk__form")
    assert (form.get("method"), form.get("action")) == ("post", door(house, "admissions"))
    code = form.inputs["code"]
    assert code.get("autocapitalize") == "characters"
    assert code.get("autocomplete") == "off"
    assert words_at(page, "door-count") == "Let in: 0 / 2"
    assert "Nobody yet" in words_at(page, "door-recent")


def test_only_the_scan_page_may_run_webassembly(scanner, house):
    allowed = scanner.get(door(house)).headers["Content-Security-Policy"]
    others = [scanner.get(door(house, "live")), scanner.get(reverse("door:home"))]

    assert "script-src 'self' 'wasm-unsafe-eval';" in allowed + ";"
    for page in others:
        assert "wasm-unsafe-eval" not in page.headers["Content-Security-Policy"]


def test_scan_page_keeps_the_gate_of_its_address(scanner, house):
    page = scanner.get(door(house), {"gate": "Gate B"})

    [form] = with_class(page, "desk__form")
    assert form.fields["gate"] == "Gate B"
    assert tree_of(page).xpath("//door-live/@data-url") == [door(house, "live") + "?gate=Gate%20B"]
    assert words(page, "door-strip__gate") == "Gate B"


def test_scanner_sees_the_door_and_nothing_else(scanner, house):
    elsewhere = [
        reverse("dashboard:home", args=[house.organiser.slug]),
        reverse("accounts:team", args=[house.organiser.slug]),
        reverse("accounts:settings", args=[house.organiser.slug]),
    ]

    assert scanner.get(door(house)).status_code == 200
    assert [scanner.get(url).status_code for url in elsewhere] == [403, 403, 403]


def test_who_may_not_scan_is_refused(client, house, tickets):
    viewer = MembershipFactory(organiser=house.organiser, role=Role.VIEWER)
    client.force_login(viewer.user)

    assert client.get(door(house)).status_code == 403
    assert client.get(door(house, "live")).status_code == 403
    answer = client.post(door(house, "admissions"), {"code": tickets[0].code}, headers=FETCH)
    assert answer.status_code == 403
    with house.scope():
        assert stands(tickets[0]) == 0


def test_strangers_find_no_door(client, cast):
    client.force_login(cast.fjord.scanner.user)

    assert client.get(door(cast.kikker)).status_code == 404
    assert client.post(door(cast.kikker, "admissions"), {"code": "X"}).status_code == 404


def test_visitors_are_asked_to_sign_in(client, house):
    page = client.get(door(house))

    assert page.status_code == 302
    assert page.headers["Location"].startswith(reverse("account_login"))


# Verdicts -------------------------------------------------------------------------------


def test_a_scanned_ticket_is_admitted(scan, house, tickets):
    with house.scope():
        code = qr_of(tickets[0])

    answer = scan(code, gate="Gate B")

    assert (answer.status_code, verdict(answer)) == (201, "admitted")
    assert words(answer, "door-result__word") == "Admitted"
    assert words(answer, "door-result__name") == "Dora Guest"
    assert words(answer, "door-result__kind") == "Under 12"
    with house.scope():
        admission = Admission.objects.get(ticket=tickets[0])
    assert (admission.gate, admission.admitted_by_id) == ("Gate B", house.scanner.user_id)
    assert admission.undone_at is None


def test_a_typed_code_is_admitted_however_it_is_written(scan, house, tickets):
    code = tickets[0].code
    typed = f" {code[:5].lower()}-{code[5:].lower()} ".replace("0", "o").replace("1", "l")

    assert scan(typed).status_code == 201


def test_a_second_presentation_says_when_where_and_by_whom(scan, house, tickets):
    with time_machine.travel(datetime(2026, 12, 12, 18, 42, tzinfo=UTC), tick=False) as traveller:
        scan(tickets[0].code, gate="Gate B")
        traveller.shift(timedelta(minutes=14))

        answer = scan(tickets[0].code, gate="Gate A")

    assert (answer.status_code, verdict(answer)) == (409, "warning")
    assert words(answer, "door-result__word") == "Already in"
    assert words(answer, "door-result__detail") == (
        f"19:42, Gate B, by {house.scanner.user.name} (14 minutes ago)"
    )
    assert words(answer, "door-result__name") == "Dora Guest"
    with house.scope():
        assert stands(tickets[0]) == 1


def test_an_entry_of_another_day_is_told_with_its_day(scan, house, tickets):
    with time_machine.travel(datetime(2026, 12, 12, 18, 42, tzinfo=UTC), tick=False) as traveller:
        scan(tickets[0].code)
        traveller.shift(timedelta(hours=20))

        answer = scan(tickets[0].code)

    assert words(answer, "door-result__detail") == (
        f"Sat 12 Dec 2026, 19:42, by {house.scanner.user.name} (20 hours ago)"
    )


@pytest.mark.parametrize(
    "code", ["", "   ", "NOTATICKET", "TQ:NONSENSE", "https://example.org/\x00"]
)
def test_what_is_no_ticket_is_refused(scan, house, tickets, code):
    answer = scan(code)

    assert (answer.status_code, verdict(answer)) == (404, "refused")
    assert words(answer, "door-result__word") == "No entry"
    assert words(answer, "door-result__detail") == "This code is not a ticket of this event."
    with house.scope():
        assert Admission.objects.count() == 0


def test_a_forged_code_is_refused(scan, cast, house, tickets):
    with cast.fjord.scope():
        foreign_key = bytes(Event.objects.get(pk=cast.fjord.event.pk).key.private_key)

    answer = scan(ticket_code(tickets[0], foreign_key))

    assert (answer.status_code, verdict(answer)) == (422, "refused")
    assert words(answer, "door-result__detail") == (
        "This code was not issued by us. Do not let in."
    )
    assert security_log.flush() == 1
    with house.scope():
        traced = SecurityEntry.objects.get()
    assert (traced.kind, traced.facts["event"]) == ("ticket.bad_signature", house.event.slug)
    with house.scope():
        assert stands(tickets[0]) == 0


def test_a_code_that_was_replaced_is_refused(scan, house, tickets):
    with house.scope():
        old = [qr_of(tickets[0]), tickets[0].code]
        replace_code(tickets[0], by=house.owner)

    for text in old:
        answer = scan(text)

        assert (answer.status_code, verdict(answer)) == (422, "refused")
        assert "replaced by a newer one" in words(answer, "door-result__detail")


@pytest.fixture
def weeks_before(house):
    with house.scope():
        times = {
            "starts_at": clock.now() + timedelta(days=30),
            "ends_at": clock.now() + timedelta(days=31),
        }
        house.event = change_event(house.event, by=house.owner, **times)


def test_weeks_before_the_event_a_scanner_is_told_and_lets_nobody_in(
    scan, house, tickets, weeks_before
):
    for answer in (scan(tickets[0].code), scan(tickets[0].code, early="1")):
        assert (answer.status_code, verdict(answer)) == (422, "refused")
        told = words(answer, "door-result__detail")
        assert told.startswith("Too early: this event begins on ")
        assert tree_of(answer).xpath("//form") == []
    with house.scope():
        assert stands(tickets[0]) == 0


@pytest.mark.parametrize("headers", [FETCH, {}])
def test_weeks_before_the_event_the_desk_is_asked_and_may_let_in(
    client, house, tickets, weeks_before, headers
):
    desk = MembershipFactory(organiser=house.organiser, role=Role.ORDERS_DESK)
    client.force_login(desk.user)
    code = {"code": tickets[0].code, "gate": "Gate B"}

    asked = client.post(door(house, "admissions"), code, headers=headers)

    assert (asked.status_code, verdict(asked)) == (422, "refused")
    [form] = [form for form in tree_of(asked).forms if "early" in form.fields]
    assert text_of(form) == "Let in all the same"
    sent = {name: value for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
    assert sent == {**code, "early": "1"}
    answer = client.post(form.action, sent)
    assert (answer.status_code, verdict(answer)) == (201, "admitted")
    with house.scope():
        assert stands(tickets[0]) == 1


def test_at_the_door_of_a_draft_nobody_is_let_in(scan, house, tickets):
    with house.scope():
        Event.objects.filter(pk=house.event.pk).update(status=EventStatus.DRAFT)

    answer = scan(tickets[0].code)

    assert (answer.status_code, verdict(answer)) == (422, "refused")
    assert words(answer, "door-result__detail").startswith("This event is a draft")
    with house.scope():
        assert stands(tickets[0]) == 0


def test_a_cancelled_ticket_is_refused(scan, house, tickets):
    with house.scope():
        cancel_order(tickets[0].order, by=house.owner)

    answer = scan(tickets[0].code)

    assert (answer.status_code, verdict(answer)) == (422, "refused")
    assert words(answer, "door-result__detail") == "This ticket was cancelled."


def test_a_ticket_of_another_event_is_refused_by_its_name(scanner, house, tickets):
    with house.scope():
        other = EventFactory(organiser=house.organiser, by=house.owner, name="Late Session")

    answer = scanner.post(
        reverse("door:admissions", args=[house.organiser.slug, other.slug]),
        {"code": tickets[0].code},
        headers=FETCH,
    )

    assert (answer.status_code, verdict(answer)) == (422, "refused")
    assert words(answer, "door-result__detail") == (
        f"This ticket is for another event: {house.event.name}."
    )
    with house.scope():
        assert stands(tickets[0]) == 0


def test_a_ticket_of_another_organiser_is_unknown(scan, cast, house):
    with cast.fjord.scope():
        [foreign] = tickets_of(cast.fjord.place_free(1))
        code = qr_of(foreign)

    assert [scan(text).status_code for text in (code, foreign.code)] == [404, 404]


def test_names_are_shown_as_text(scan, scanner, house, tickets):
    with house.scope():
        Ticket.objects.filter(pk=tickets[0].pk).update(first_name="<script>alert(1)</script>")

    answer, page = scan(tickets[0].code), scanner.get(door(house, "live"))

    assert b"<script>alert" not in answer.content + page.content
    assert b"&lt;script&gt;alert" in answer.content


# Without JavaScript ---------------------------------------------------------------------


def test_without_scripts_the_answer_is_a_page_with_a_way_back(scanner, house, tickets):
    answer = scanner.post(door(house, "admissions"), {"code": tickets[0].code, "gate": "Gate B"})

    assert (answer.status_code, verdict(answer)) == (201, "admitted")
    tree = tree_of(answer)
    assert [heading.text_content() for heading in tree.iter("h1")] == ["Admitted"]
    assert tree.xpath("//a[@data-dismiss]/@href") == [door(house) + "?gate=Gate+B"]


def test_without_scripts_a_refusal_is_a_page_too(scanner, house):
    answer = scanner.post(door(house, "admissions"), {"code": "NOTATICKET"})

    assert (answer.status_code, verdict(answer)) == (404, "refused")
    assert "<!doctype html>" in answer.content.decode().lower()


def test_without_scripts_undo_leads_back_to_the_page(scanner, house, tickets):
    with house.scope():
        admitted = admit_ticket(house.event, tickets[0].code, by=house.scanner)

    answer = scanner.post(
        door(house, "undo", admission_id=admitted.admission_id) + "?gate=Gate+B", follow=True
    )

    assert answer.redirect_chain == [(door(house) + "?gate=Gate+B", 302)]
    assert "Dora Guest is not in any more" in words_at(answer, "alerts")


# Live -----------------------------------------------------------------------------------


def test_live_is_the_count_and_the_last_eight(scanner, house):
    with house.scope():
        tickets = tickets_of(house.place_free(9))
        for ticket in tickets:
            admit_ticket(house.event, ticket.code, by=house.scanner)

    page = scanner.get(door(house, "live"))

    assert page.status_code == 200
    assert "<!doctype" not in page.content.decode().lower()
    assert words_at(page, "door-count") == "Let in: 9 / 9"
    assert len(with_class(page, "door-recent__item")) == 8


def test_undo_takes_an_admission_back(scanner, scan, house, tickets):
    scan(tickets[0].code)
    scan(tickets[1].code)
    with house.scope():
        admission = Admission.objects.get(ticket=tickets[0])

    answer = scanner.post(door(house, "undo", admission_id=admission.pk), headers=FETCH)

    assert answer.status_code == 200
    assert words_at(answer, "door-count") == "Let in: 1 / 2"
    assert words(answer, "door-recent__name") == "Emil Guest"
    assert (
        tree_of(answer).xpath("string(//*[@data-note])")
        == "Dora Guest is not in any more and may enter again."
    )
    with house.scope():
        admission.refresh_from_db()
        assert admission.undone_at is not None
        assert admission.undone_by_label == house.scanner.user.name
        assert stands(tickets[0]) == 0
    assert scan(tickets[0].code).status_code == 201


def test_undo_twice_is_harmless(scanner, house, tickets):
    with house.scope():
        admitted = admit_ticket(house.event, tickets[0].code, by=house.scanner)
    url = door(house, "undo", admission_id=admitted.admission_id)

    assert [scanner.post(url, headers=FETCH).status_code for _ in range(2)] == [200, 200]


def test_undo_of_another_events_admission_is_not_found(scanner, house, tickets):
    with house.scope():
        other = EventFactory(organiser=house.organiser, by=house.owner)
        admitted = admit_ticket(house.event, tickets[0].code, by=house.scanner)

    answer = scanner.post(
        reverse("door:undo", args=[house.organiser.slug, other.slug, admitted.admission_id])
    )

    assert answer.status_code == 404
    with house.scope():
        assert stands(tickets[0]) == 1


def test_get_lets_nobody_in(scanner, house, tickets):
    answer = scanner.get(door(house, "admissions"), {"code": tickets[0].code})

    assert answer.status_code == 405
    with house.scope():
        assert stands(tickets[0]) == 0


# What it costs --------------------------------------------------------------------------


def test_queries_of_a_scan(scan, house, tickets, django_assert_num_queries):
    with house.scope():
        first, second = (qr_of(ticket) for ticket in tickets)
    scan(first)

    # session · user · membership with organiser · event · ticket with type, event and key · insert
    with django_assert_num_queries(6):
        assert scan(second).status_code == 201
    # … and the admission that stands
    with django_assert_num_queries(7):
        assert scan(second).status_code == 409
    # … without the insert, and whether these letters were replaced
    with django_assert_num_queries(6):
        assert scan("NOTATICKET").status_code == 404
    # read as no ticket without asking the database
    with django_assert_num_queries(4):
        assert scan("TQ:NONSENSE").status_code == 404


def test_queries_of_the_pages(scanner, house, tickets, django_assert_num_queries):
    with house.scope():
        for ticket in tickets:
            admit_ticket(house.event, ticket.code, by=house.scanner)
    scanner.get(door(house))

    # session · user · membership · event · admitted · expected · the last eight with their tickets
    with django_assert_num_queries(7):
        scanner.get(door(house))
    with django_assert_num_queries(7):
        scanner.get(door(house, "live"))


def test_a_renamed_event_is_still_its_own_door(scanner, house):
    with house.scope():
        change_event(house.event, by=house.owner, name="Winter Jazz & Friends")

    page = scanner.get(door(house))

    assert text_of(*tree_of(page).iter("h1")) == "Door of Winter Jazz & Friends"
