"""Codes and automatic discounts, from the shop to the checkout."""

from datetime import timedelta

import pytest

from tests.orders.public_pages import CARLA
from tests.orders.visitor import held_lines
from ticketing.models import Code, PromotionKind, Reservation
from ticketing.operations import hide
from tiqqo.core import clock

pytestmark = pytest.mark.django_db


def applied(page):
    return page.texts(".code-field__applied > span")


def test_a_shop_without_codes_asks_for_none(shop):
    assert shop.open().all(".code-field") == []


def test_a_code_lies_behind_a_fold(shop, stall):
    stall.promote("Early birds", "EARLY", rate_bp=2000)

    page = shop.open()

    assert page.texts("details.code-field summary") == ["I have a code"]
    assert page.attributes("details.code-field", "open") == [None]
    [button] = page.all("#use-code")
    assert (button.get("formmethod"), button.get("formaction")) == ("get", f"{shop.url}#tickets")


def test_a_link_applies_its_code_and_shows_what_it_saves(shop, stall):
    stall.offer("Regular", 2500)
    stall.promote("Early birds", "EARLY", rate_bp=2000)

    page = shop.open(code="early")

    assert applied(page) == ["Code EARLY applies: 20% off"]
    assert shop.row(page, "Regular")[1] == "€20.89 instead of €25.99 incl. service fee"
    assert page.attributes("[data-name=Regular]", "data-minor") == ["2089"]
    assert "no-store" in page.response.headers["Cache-Control"]
    plain = shop.follow(page.links(".code-field a")["Remove the code EARLY"])
    assert applied(plain) == []
    assert shop.row(plain, "Regular")[1] == "€25.99 incl. €0.99 service fee"


def test_what_a_code_gives_is_what_is_charged(shop, stall, pages):
    stall.offer("Regular", 2500)
    stall.promote("Early birds", "EARLY", rate_bp=2000)

    answer = shop.open(code="EARLY").submit("Reserve tickets", **{stall.field("Regular"): "2"})

    page = pages.follow(answer)
    assert page.texts(".price-lines__line") == [
        "2 × Regular €50.00",
        "Early birds -€10.00",
        "Service fee €1.78",
    ]
    assert page.text(".summary__total").startswith("Total €41.78")
    assert Code.objects.get().held == 1


def test_using_a_code_keeps_what_was_chosen(shop, stall):
    stall.offer("Friend", pricing="open", release={"price_minor": 500})
    stall.promote("Early birds", "EARLY", rate_bp=2000)
    sent = {
        stall.field("Audio guide"): "3",
        stall.field("Friend"): "1",
        stall.field("Friend", kind="price"): "8.00",
    }

    page = shop.open(code="EARLY", **sent)

    assert page.values("Reserve tickets") == {**sent, "code": "EARLY"}
    assert "quantity" in page.links(".code-field a")["Remove the code EARLY"]


@pytest.mark.parametrize(
    ("price", "terms", "shown"),
    [
        (2500, {"kind": PromotionKind.FIXED_PRICE, "amount_minor": 1000}, "€10.69 instead of €25.99 incl. service fee"),
        # A cent more or less with another number of tickets: not promised for one.
        (2501, {"rate_bp": 1250}, "€26.00 incl. €0.99 service fee"),
        (2500, {"kind": PromotionKind.AMOUNT, "amount_minor": 500}, "€25.99 incl. €0.99 service fee"),
        (2500, {"rate_bp": 1000, "min_quantity": 3}, "€25.99 incl. €0.99 service fee"),
        (2500, {"rate_bp": 1000, "min_subtotal_minor": 10_000}, "€25.99 incl. €0.99 service fee"),
        (2500, {"rate_bp": 10_000}, "Free instead of €25.99"),
    ],
)  # fmt: skip
def test_a_row_shows_a_reduced_price_only_where_it_is_exact(shop, stall, price, terms, shown):
    stall.offer("Regular", price)
    stall.promote("Deal", "DEAL", **terms)

    page = shop.open(code="DEAL")

    assert shop.row(page, "Regular")[1] == shown
    later = "Discounts come off on the next page." in page.text(".summary")
    assert later == ("instead of" not in shown)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"rate_bp": 1250}, "12.5% off"),
        ({"kind": "amount", "amount_minor": 500}, "€5.00 off"),
        ({"kind": "fixed_price", "amount_minor": 900}, "€9.00 a ticket"),
        ({"kind": "buy_x_get_y", "buy": 3, "get": 1}, "1 free with every 3"),
        ({"rate_bp": 1000, "min_quantity": 5}, "10% off, from 5 tickets"),
        ({"rate_bp": 1000, "min_subtotal_minor": 10_000}, "10% off, from €100.00"),
    ],
)
def test_a_promotion_is_said_in_words(shop, stall, terms, words):
    stall.promote("Deal", "DEAL", **terms)
    stall.promote("By rule", is_automatic=True, **terms)

    page = shop.open(code="DEAL")

    assert applied(page) == [f"Code DEAL applies: {words}"]
    assert page.texts(".savings li") == [f"By rule: {words}"]


def test_a_promotion_names_what_it_is_for_but_nothing_hidden(shop, stall):
    crew = stall.offer("Crew", 0)
    regular = stall.offer("Regular", 2500)
    hide(crew, by=stall.house.owner)
    stall.promote("Deal", is_automatic=True, rate_bp=1000, ticket_type_ids=[crew.pk, regular.pk])
    stall.promote("Secret", is_automatic=True, rate_bp=1000, ticket_type_ids=[crew.pk])

    page = shop.open()

    assert page.texts(".savings li") == ["Deal: 10% off on Regular"]
    assert "Crew" not in page.response.content.decode()


def test_a_code_opens_what_is_hidden(shop, stall):
    crew = stall.offer("Crew", 0)
    hide(crew, by=stall.house.owner)
    stall.promote("Crew list", "CREW", kind="none", unlocks=True, ticket_type_ids=[crew.pk])

    assert "Crew" not in [row[0] for row in page_rows(shop.open())]
    page = shop.open(code="crew")

    assert applied(page) == ["Code CREW applies: for Crew"]
    page.submit("Reserve tickets", **{stall.field("Crew"): "1"})
    assert held_lines() == [(1, "Crew", "", 0, 0)]
    refused = shop.take(status=409, **{stall.field("Crew"): "1"})
    assert "is not on sale any more" in refused.alerts[0]


def page_rows(page):
    return [(" ".join(row.itertext()).strip(),) for row in page.all(".ticket-row__name")]


def test_a_shop_of_hidden_tickets_only_still_takes_codes(shop, stall):
    for found in list(stall.releases.values()):
        hide(found.ticket_type, by=stall.house.owner)
    guide = stall.type_of("Audio guide")
    stall.promote("List", "LIST", kind="none", unlocks=True, ticket_type_ids=[guide.pk])

    page = shop.open()
    assert page.texts("main button") == ["Use code"]
    assert "If you have a code, it may open some." in page.text()

    assert shop.open(code="LIST").texts(".summary button") == ["Reserve tickets"]


def refusals(now):
    return [
        ({}, "NOSUCH", "We do not know the code NOSUCH. Check how it is written."),
        ({"paused_at": now}, "DEAL", "The code DEAL is not in use at the moment."),
        ({"opens_at": now + timedelta(days=1)}, "DEAL", "The code DEAL is not valid yet. It begins on "),
        ({"closes_at": now - timedelta(days=1)}, "DEAL", "The code DEAL was valid until "),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_each_refusal_of_a_code_has_its_own_sentence_at_the_field(shop, stall, number):
    terms, text, said = refusals(clock.now())[number]
    stall.promote("Deal", "DEAL", rate_bp=1000, **terms)

    page = shop.open(code=text, **{stall.field("Audio guide"): "2"})
    posted = shop.take(status=422, code=text, **{stall.field("Audio guide"): "2"})

    for shown in (page, posted):
        assert shown.text("#code_error").startswith(said)
        assert shown.alerts == []
        assert shown.attributes("details.code-field", "open") == [""]
        assert shown.attributes("#code", "value") == [text]
        assert shown.attributes("#code", "autofocus") == [""]
        assert shown.values("Reserve tickets")[stall.field("Audio guide")] == "2"
    assert not Reservation.objects.exists()


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"min_quantity": 3}, "The code DEAL applies from 3 tickets it is for."),
        ({"min_subtotal_minor": 9000}, "The code DEAL applies from €90.00 of the tickets it is for."),
        ({"kind": "fixed_price", "amount_minor": 500}, "The code DEAL does not make these tickets cheaper."),
    ],
)  # fmt: skip
def test_a_code_that_does_not_fit_the_selection_is_told_at_its_field(shop, stall, terms, said):
    stall.promote("Deal", "DEAL", **{"rate_bp": 1000, **terms})

    page = shop.take(status=422, code="deal", **{stall.field("Audio guide"): "2"})

    assert page.text("#code_error") == said
    assert page.attributes("#code", "value") == ["DEAL"]
    assert not Reservation.objects.exists()


def test_a_code_for_other_tickets_is_told_at_its_field(shop, stall):
    other = stall.offer("Other", 1000)
    stall.promote("Deal", "DEAL", rate_bp=1000, ticket_type_ids=[other.pk])

    page = shop.take(status=422, code="DEAL", **{stall.field("Audio guide"): "2"})

    assert page.text("#code_error") == "The code DEAL does not apply to the tickets you chose."


def test_a_code_whose_last_use_is_held_is_refused_at_its_field(shop, stall):
    stall.promote("Deal", "DEAL", uses=1, rate_bp=1000)
    chosen = {stall.field("Audio guide"): "1"}
    shop.take(code="DEAL", **chosen)

    page = shop.take(status=422, code="DEAL", **chosen)

    assert page.text("#code_error") == "The code DEAL has been used as often as it may be."


def test_a_code_that_this_address_has_used_is_told_at_the_email(shop, stall, pages):
    stall.promote("Deal", "DEAL", rate_bp=10_000, per_email_limit=1)
    chosen = {stall.field("Audio guide"): "1"}
    pages.follow(shop.take(code="DEAL", **chosen)).submit("Get tickets", status=303, **CARLA)

    page = pages.follow(shop.take(code="DEAL", **chosen)).submit("Get tickets", status=422, **CARLA)

    assert page.errors == {
        "email": "This e-mail address has used the code DEAL as often as one may: 1 ×."
    }
    assert page.values("Get tickets")["email"] == "carla@example.org"
    page.submit("Get tickets", status=303, email="else@example.org")


def test_an_automatic_discount_is_taken_off_by_its_name(shop, stall, pages):
    stall.promote("Group discount", is_automatic=True, rate_bp=1000, min_quantity=5)

    page = pages.follow(shop.take(**{stall.field("Audio guide"): "5"}))

    assert page.texts(".price-lines__line") == [
        "5 × Audio guide €25.00",
        "Group discount -€2.50",
        "Service fee €2.90",
    ]


def test_odd_codes_are_only_unknown(shop, stall):
    stall.promote("Deal", "DEAL", rate_bp=1000)

    for odd in ("\x00", "é" * 60, "<b>", "' or 1=1 --"):
        page = shop.open(code=odd)
        assert applied(page) == []
        shop.take(
            status=422 if odd != "\x00" else 302, code=odd, **{stall.field("Audio guide"): "1"}
        )
