"""The Codes tab: promotions, the generator, the list of codes, CSV, links; automatic discounts."""

import csv
import io

import pytest

from accounts.permissions import Role
from tests.cast import MembershipFactory
from tests.pages import PageClient
from ticketing.models import Code, Promotion, PromotionKind
from ticketing.operations import (
    confirm_reservation,
    create_code,
    create_promotion,
    generate_codes,
    reserve_tickets,
)

pytestmark = pytest.mark.django_db

TRIES = "9,162,596,898"
SHOP = "http://127.0.0.1:8000/blauwe-kikker/night-of-the-blue-note/?code="


def promote(desk, name="Friends", **terms):
    house = desk.house
    with house.scope():
        return create_promotion(
            house.event,
            name=name,
            by=house.owner,
            **{"kind": PromotionKind.PERCENT, "rate_bp": 2000, **terms},
        )


def coded(desk, text="FRIEND", uses_limit=None, **terms):
    promotion = promote(desk, **terms)
    with desk.house.scope():
        create_code(promotion, text=text, uses_limit=uses_limit, by=desk.house.owner)
    return promotion


def type_of(desk):
    with desk.house.scope():
        return desk.house.priced.ticket_type.code


def sell(desk, code, count=1):
    with desk.house.scope():
        event = type(desk.house.event).objects.get(pk=desk.house.event.pk)
        reservation = reserve_tickets(event, selection={desk.house.priced.code: count}, code=code)
        confirm_reservation(reservation)


def all_of(desk, model):
    with desk.house.scope():
        return list(model.objects.order_by("id"))


def test_a_bare_event_offers_the_first_step(at_kikker):
    page = at_kikker.get("ticketing:codes")

    assert page.texts(".empty__title") == ["No codes or discounts yet"]
    assert "New code" in page.links()


def test_a_code_is_made_in_one_form(at_kikker):
    page = at_kikker.get("ticketing:new_promotion")

    page = at_kikker.pages.follow(
        page.submit(
            "Create code",
            name="Friends of the house",
            kind="percent",
            percent="12.5",
            text="vrienden",
            uses_limit="40",
            per_email_limit="2",
            min_quantity="2",
            opens_at="2026-01-05T20:00",
            types=[type_of(at_kikker)],
        )
    )

    assert page.h1 == "Friends of the house"
    assert page.alerts == ["Friends of the house is ready."]
    [made] = all_of(at_kikker, Promotion)
    assert (made.rate_bp, made.per_email_limit, made.min_quantity) == (1250, 2, 2)
    assert made.ticket_type_ids == [at_kikker.house.priced.ticket_type_id]
    assert made.opens_at.isoformat() == "2026-01-05T19:00:00+00:00"
    assert page.rows == [["VRIENDEN", "0", "0", "40", "?code=VRIENDENCopy Link of VRIENDEN"]]
    assert page.attributes("copy-button", "data-value") == [f"{SHOP}VRIENDEN"]


def test_without_a_code_the_way_leads_to_the_generator(at_kikker):
    page = at_kikker.get("ticketing:new_promotion").submit(
        "Create code", name="Press", kind="none", unlocks="on"
    )
    page = at_kikker.pages.follow(page)

    assert page.h1 == "Generate codes"
    page = at_kikker.pages.follow(
        page.submit("Generate codes", count="120", beginning="press-", length="8", uses_limit="1")
    )

    assert page.alerts == [
        f"120 codes are ready. Somebody who guesses hits one of this promotion once in {TRIES} tries."
    ]
    assert len(page.rows) == 50
    assert page.text("#codes p") == "120 codes: 0 used and 0 held of 120"
    assert all(row[0].startswith("PRESS-") for row in page.rows)


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"name": ""}, {"name": "Fill in “Name”."}),
        ({"percent": "0"}, {"percent": "Enter a percentage above 0 and up to 100."}),
        ({"percent": "101"}, {"percent": "Enter a percentage above 0 and up to 100."}),
        ({"kind": "amount"}, {"amount": "Enter what is taken off, more than 0."}),
        ({"kind": "fixed_price"}, {"price": "Write what each ticket costs; 0 for a free one."}),
        ({"kind": "buy_x_get_y", "get": "1"}, {"buy": "Enter a number from 1 on."}),
        ({"kind": "none"}, {"unlocks": "Without a discount it has to unlock hidden tickets. Tick this, or choose a discount."}),
        ({"text": "A B"}, {"text": "Use letters from A to Z, digits, - and _, at most 20 of them."}),
        ({"text": "TAKEN"}, {"text": "This event has a code TAKEN already. Choose another one."}),
        ({"name": "First"}, {"name": "That name is already used here. Choose another one."}),
        ({"opens_at": "2026-03-01T10:00", "closes_at": "2026-03-01T10:00"}, {"closes_at": "It must end after it begins."}),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_at_its_field_and_nothing_is_made(at_kikker, typed, errors):
    coded(at_kikker, "TAKEN", name="First")
    facts = {"name": "Second", "kind": "percent", "percent": "10", "text": "NEW"} | typed

    page = at_kikker.get("ticketing:new_promotion").submit("Create code", status=422, **facts)

    assert page.errors == errors
    assert [made.name for made in all_of(at_kikker, Promotion)] == ["First"]


@pytest.mark.parametrize(
    ("typed", "errors"),
    [
        ({"count": "10001"}, {"count": "From 1 to 10000 codes at once. Generate again for more."}),
        ({"count": "10000", "length": "5"}, {"length": "So many codes of that length could be guessed. Choose 6 random characters or more."}),
        ({"beginning": "SUMMER-OF-JAZZ-"}, {"length": "A code has at most 20 characters, so 5 random ones fit behind this prefix. Choose fewer, or a shorter prefix."}),
        ({"beginning": "é"}, {"beginning": "Use letters from A to Z, digits, - and _, at most 20 of them."}),
        ({"uses_limit": "0"}, {"uses_limit": "Ensure this value is greater than or equal to 1."}),
    ],
)  # fmt: skip
def test_generator_says_what_it_cannot_do(at_kikker, typed, errors):
    page = at_kikker.get("ticketing:code_generator", promotion_id=promote(at_kikker).pk)

    page = page.submit("Generate codes", status=422, **typed)

    found = page.errors or {
        name: text for name in errors for text in page.texts(f"#id_{name}_error")
    }
    assert {name: text.replace("Error: ", "") for name, text in found.items()} == errors
    assert all_of(at_kikker, Code) == []


def test_list_says_what_each_code_brought_in(at_kikker):
    coded(at_kikker, min_quantity=2)
    promote(at_kikker, "Summer", is_automatic=True, rate_bp=1000)
    sell(at_kikker, "friend", 2)

    page = at_kikker.get("ticketing:codes")

    [friends] = page.rows
    assert friends == [
        "Friends 20% off",
        "FRIENDCopy Link of FRIEND",
        "Everything from 2 tickets",
        "1",
        "0",
        "€36.00",
        "€9.00",
        "Active",
    ]
    assert page.attributes("copy-button", "data-value") == [f"{SHOP}FRIEND"]
    assert page.texts("#automatic td") == [
        "Summer 10% off", "Everything", "1", "0", "€36.00", "€5.00", "Active",
    ]  # fmt: skip


def test_codes_are_paged_and_searched(at_kikker):
    promotion = promote(at_kikker)
    with at_kikker.house.scope():
        generate_codes(promotion, count=60, by=at_kikker.house.owner)
        create_code(promotion, text="NEEDLE", by=at_kikker.house.owner)
    first = at_kikker.get("ticketing:promotion", promotion_id=promotion.pk)

    second = at_kikker.pages.get_page(first.attributes("a[rel=next]", "href")[0])
    found = first.submit("Search", status=200, search="needl")
    none = first.submit("Search", status=200, search="ULULU")

    assert (len(first.rows), len(second.rows)) == (50, 11)
    assert second.rows[-1][0] == "NEEDLE"
    assert [row[0] for row in found.rows] == ["NEEDLE"]
    assert none.texts(".empty__title") == ["No code has that in it"]


@pytest.mark.parametrize("cursor", ["x", "1e5", "-1", "9" * 30, "٣"])
def test_a_page_that_was_made_up_is_not_found(at_kikker, cursor):
    promotion = coded(at_kikker)

    at_kikker.get("ticketing:promotion", {"after": cursor}, promotion_id=promotion.pk, status=404)


def test_csv_has_every_code_with_its_link_and_runs_no_formula(at_kikker):
    promotion = coded(at_kikker, "-2+3".replace("+", "_"), uses_limit=5)
    with at_kikker.house.scope():
        generate_codes(promotion, count=70, by=at_kikker.house.owner)
        create_code(promotion, text="LAST", by=at_kikker.house.owner)
    sell(at_kikker, "last")

    response = at_kikker.pages.get(at_kikker.url("ticketing:codes_csv", promotion_id=promotion.pk))

    assert response.streaming
    text = b"".join(response.streaming_content).decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
    assert rows[0] == ["Code", "Used", "Held", "Uses in all", "Link"]
    assert rows[1] == ["'-2_3", "0", "0", "5", f"{SHOP}-2_3"]
    assert rows[-1] == ["LAST", "1", "0", "", f"{SHOP}LAST"]
    assert len(rows) == 73


def test_uses_of_a_code_change_and_an_unused_one_is_deleted(at_kikker):
    promotion = coded(at_kikker, uses_limit=5)
    sell(at_kikker, "friend")
    sell(at_kikker, "friend")
    page = at_kikker.get("ticketing:code", promotion_id=promotion.pk, text="FRIEND")

    refused = page.submit("Save uses", status=422, uses_limit="1")
    page = at_kikker.pages.follow(page.submit("Save uses", uses_limit="2"))

    assert refused.errors == {
        "uses_limit": "It was used or is held 2 times already, so it cannot be less than that."
    }
    assert page.rows[0][:4] == ["FRIEND", "2", "0", "2"]

    page = at_kikker.get("ticketing:new_code", promotion_id=promotion.pk)
    at_kikker.pages.follow(page.submit("Add code", text="spare"))
    page = at_kikker.get("ticketing:code", promotion_id=promotion.pk, text="SPARE")
    page = at_kikker.pages.follow(page.submit("Delete SPARE"))
    assert page.alerts == ["The code SPARE is deleted."]
    assert [code.text for code in all_of(at_kikker, Code)] == ["FRIEND"]


def test_a_used_code_cannot_be_deleted(at_kikker):
    promotion = coded(at_kikker)
    sell(at_kikker, "friend")
    at_kikker.get("ticketing:promotion", promotion_id=promotion.pk)

    at_kikker.post("ticketing:code_deletion", promotion_id=promotion.pk, text="FRIEND", status=409)

    assert len(all_of(at_kikker, Code)) == 1


def test_unused_codes_are_deleted_after_a_question(at_kikker):
    promotion = coded(at_kikker)
    sell(at_kikker, "friend")
    with at_kikker.house.scope():
        generate_codes(promotion, count=30, by=at_kikker.house.owner)

    page = at_kikker.get("ticketing:unused_deletion", promotion_id=promotion.pk)
    page = at_kikker.pages.follow(page.submit("Delete unused codes"))

    assert page.alerts == ["30 unused codes are deleted."]
    assert [code.text for code in all_of(at_kikker, Code)] == ["FRIEND"]


def test_pause_resume_change(at_kikker):
    promotion = coded(at_kikker)
    page = at_kikker.get("ticketing:promotion", promotion_id=promotion.pk)

    page = at_kikker.pages.follow(page.submit("Pause"))
    assert page.texts(".page-header .pill") == ["Paused"]
    page = at_kikker.pages.follow(page.submit("Resume"))
    assert page.texts(".page-header .pill") == ["Active"]
    page = at_kikker.get("ticketing:promotion_change", promotion_id=promotion.pk)
    assert page.values("Save changes")["percent"] == "20"
    page = at_kikker.pages.follow(
        page.submit("Save changes", name="Family", kind="amount", amount="7,50")
    )

    assert page.h1 == "Family"
    [made] = all_of(at_kikker, Promotion)
    assert (made.kind, made.amount_minor, made.rate_bp) == ("amount", 750, 0)


def test_one_that_nobody_used_is_deleted_after_a_question(at_kikker):
    promotion = coded(at_kikker)
    page = at_kikker.get("ticketing:promotion_deletion", promotion_id=promotion.pk)
    assert "Its 1 code works no more" in page.text("article")

    page = at_kikker.pages.follow(page.submit("Delete Friends"))

    assert page.alerts == ["Friends is deleted."]
    assert all_of(at_kikker, Promotion) == []


def test_automatic_discount_has_no_codes(at_kikker):
    page = at_kikker.get("ticketing:new_automatic")
    assert not page.all("[name=unlocks], [name=text], [name=per_email_limit]")

    page = at_kikker.pages.follow(
        page.submit("Create discount", name="Five or more", kind="buy_x_get_y", buy="4", get="1")
    )

    assert page.h1 == "Five or more"
    assert page.text(".page-header p") == "Active Buy 4, get 1 free"
    assert not page.all("#codes")
    [made] = all_of(at_kikker, Promotion)
    assert (made.is_automatic, made.buy, made.get) == (True, 4, 1)


def test_who_may_only_look_sees_no_code(at_kikker):
    promotion = coded(at_kikker)
    sell(at_kikker, "FRIEND")
    viewer = MembershipFactory(organiser=at_kikker.house.organiser, role=Role.VIEWER)
    pages = PageClient().sign_in(viewer.user)

    pages.get_page(at_kikker.url("ticketing:codes"), status=403)
    pages.get_page(at_kikker.url("ticketing:promotion", promotion_id=promotion.pk), status=403)
    tickets = pages.get_page(at_kikker.url("ticketing:tickets"))
    assert list(tickets.links(".tabs a")) == ["Ticket types", "Time slots", "Waitlist", "Inventory"]
    proof = pages.get_page(at_kikker.url("ticketing:inventory"))
    assert "FRIEND" not in proof.text()
    assert "FRIEND" in at_kikker.get("ticketing:inventory").text()


def test_a_promotion_of_another_event_or_allocation_is_not_found(at_kikker, cast):
    with cast.fjord.scope():
        foreign = create_promotion(
            cast.fjord.event, name="X", kind="percent", rate_bp=100, by=cast.fjord.owner
        )

    at_kikker.get("ticketing:promotion", promotion_id=foreign.pk, status=404)


def test_the_list_costs_the_same_however_many_promotions_there_are(at_kikker, expect_queries):
    coded(at_kikker, "ONE", name="One")
    at_kikker.get("ticketing:codes")
    with expect_queries(8):
        at_kikker.get("ticketing:codes")

    for number in range(5):
        coded(at_kikker, f"C{number}", name=f"More {number}")
    at_kikker.get("ticketing:codes")
    with expect_queries(8):
        at_kikker.get("ticketing:codes")
