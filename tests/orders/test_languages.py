"""The buyer's way in Dutch and German: pages, mails and PDF, and no English left in them."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.core import mail
from django.utils import translation

from events.operations import change_event
from orders.models import Order, PaymentMethod
from tests.cast import DORA
from tests.golden.compare import compare
from tests.orders import full_event as stalls
from tests.orders.test_emails import steady, worked, written
from tests.pages import PageClient
from ticketing.errors import SoldOut
from ticketing.operations import reserve_tickets
from ticketing.selling import Choice
from tiqqo.core import clock

__all__ = ["worked"]
pytestmark = pytest.mark.django_db

OTHERS = ["nl", "de"]
NIGHT = datetime(2099, 3, 6, 19, 30, tzinfo=UTC)
LATE = datetime(2099, 3, 7, 1, 0, tzinfo=UTC)
CARLA = {"first_name": "Carla", "last_name": "Buyer", "email": "carla@example.org"}
READ_OUT = ("aria-label", "alt", "title", "placeholder", "data-less", "data-more", "data-label")
READ_OUT += ("data-expired", "data-failure", "data-one", "data-many", "data-free", "data-done")
# What organisers and buyers wrote, and words that are the same in every language of ours.
NAMES = """
    Night of the Blue Note · Blauwe Kikker · Regular · Under 12 · Prinsengracht · Amsterdam · Tiqqo
    Fjord Tech Summit · Fjord Tech · Full pass · Volunteer · Øksnehallen · Copenhagen · Moms
    English · Nederlands · Deutsch · Carla · Buyer · Dora · Guest · Ana Vermeer · Acme ApS
    Small Museum · The Hall · Audio guide · Day ticket · Adult · Student · Child · Evening out · Evening
    Dinner · Family · Friend of the house · Workshop · Guided tour · Crew · Balcony · Boat trip
    Group discount · Early birds · EARLY
    The whole house, from cellar to roof · Please come within your quarter of an hour
    Students show their card · help@blauwekikker.example · hello@fjord.example · carla@example.org · dora@example.org
"""
SAME = {
    "nl": "Code · Later · Ticket · Tickets · ticket · tickets · Status · Dashboard",
    "de": "Code · Ticket · Tickets · Status · Dashboard · Name",
}


def said(page):
    """Every text of the page, and what its attributes say."""
    for element in page.tree.iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "style"):
            continue
        yield from (element.get(name) for name in READ_OUT if element.get(name))
        yield element.text
        yield element.tail


def texts(page):
    return {" ".join(text.split()) for text in said(page) if text}


def left_in_english(english, other, language):
    """Texts that stand in both and say more than names and the words that both languages have."""
    known = [word.strip() for word in re.split("[·\n]", NAMES + SAME[language]) if word.strip()]
    names = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    both = texts(english) & texts(other)
    return {text for text in both if re.search("[a-z]{2}", re.sub(rf"\b({names})\b", "", text))}


def in_language(pages, url, language, **more):
    page = pages.get_page(url, headers={"accept-language": language}, **more)
    assert page.tree.get("lang") == language
    return page


def compared(url, language, *, cast=None, **more):
    """What is left of English on a page."""
    pages = PageClient(cast)
    english = in_language(pages, url, "en", **more)
    return left_in_english(english, in_language(pages, url, language, **more), language)


def shop_of(house):
    return f"/{house.organiser.slug}/{house.event.slug}/"


def checkout_of(house, **places):
    with house.scope():
        return f"{shop_of(house)}checkout/{house.reserve(**places).secret}/"


def order_page_of(order):
    return f"/{order.event.organiser.slug}/{order.event.slug}/orders/{order.code}/{order.secret}/"


# Pages ------------------------------------------------------------------------------------


def test_the_check_finds_english(cast):
    page = PageClient(cast).get_page(shop_of(cast.kikker))

    assert {"Reserve tickets", "Tickets by Tiqqo"} <= left_in_english(page, page, "nl")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("url", ["/", "/blauwe-kikker/", "/nothing/of/this/kind/"])
def test_public_pages_leave_no_english(cast, url, language):
    more = {"status": 404} if "nothing" in url else {}

    assert compared(url, language, **more) == set()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", ["kikker", "fjord"])
def test_shop_leaves_no_english(cast, name, language):
    assert compared(shop_of(getattr(cast, name)), language) == set()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("name", ["kikker", "fjord"])
def test_checkout_leaves_no_english(cast, name, language):
    house = getattr(cast, name)

    assert compared(checkout_of(house, priced=2, free=1), language) == set()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("query", ["", "?code=EARLY", "?code=NOSUCH"])
def test_shop_with_everything_leaves_no_english(kikker, language, query):
    stall = stalls.museum(kikker)

    assert compared(f"/blauwe-kikker/{stall.event.slug}/{query}", language) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_changing_everything_leaves_no_english(kikker, language):
    stall = stalls.museum(kikker)
    held = reserve_tickets(
        stall.fresh(),
        selection=[
            Choice(stall.releases["Evening out"].code, 1),
            Choice(stall.releases["Family"].code, 4, slot=stall.slots()[0].code),
        ],
        code="EARLY",
    )
    shop = f"/blauwe-kikker/{stall.event.slug}/"

    assert compared(f"{shop}?hold={held.secret}", language) == set()
    assert compared(f"{shop}checkout/{held.secret}/", language) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_wrong_with_a_form_leaves_no_english(cast, language):
    url = checkout_of(cast.fjord, priced=2)
    typed = {"email": "not an address", "payment_method": "INVOICE", "last_name_2": "Guest"}

    def refused(language):
        headers = {"accept-language": language}
        return PageClient().post(url, typed, status=422, headers=headers)

    pages = [refused("en"), refused(language)]

    assert [len(page.texts(".field__error")) for page in pages] == [5, 5]
    assert left_in_english(*pages, language) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_refusals_of_the_shop_leave_no_english(cast, language):
    house = cast.kikker
    for wanted in (0, 30):
        pages = [
            PageClient().post(
                f"{shop_of(house)}reservations/",
                {f"quantity_{house.priced.code}": wanted},
                status=422,
                headers={"accept-language": lang},
            )
            for lang in ("en", language)
        ]
        assert pages[0].alerts != pages[1].alerts
        assert left_in_english(*pages, language) == set()


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("en", "Only 1 place is left for Regular.", "Only 3 places are left for Regular."),
        ("nl", "Er is nog maar 1 plek voor Regular.", "Er zijn nog maar 3 plekken voor Regular."),
        (
            "de",
            "Für Regular ist nur noch 1 Platz frei.",
            "Für Regular sind nur noch 3 Plätze frei.",
        ),
    ],
)
def test_one_place_and_many(language, one, many):
    with translation.override(language):
        assert str(SoldOut(subject="Regular", requested=5, available=1)).startswith(one)
        assert str(SoldOut(subject="Regular", requested=5, available=3)).startswith(many)


@pytest.mark.parametrize("language", OTHERS)
def test_end_of_a_hold_leaves_no_english(cast, language):
    url = checkout_of(cast.kikker, priced=1)

    with time_machine.travel(clock.now().replace(year=clock.now().year + 1)):
        assert compared(url, language, status=410) == set()


@pytest.mark.parametrize("language", OTHERS)
def test_order_page_leaves_no_english(cast, language):
    pages = PageClient()
    for house, method in ((cast.kikker, "FREE"), (cast.fjord, "INVOICE")):
        with house.scope():
            order = house.place_free(2) if method == "FREE" else house.place_invoice(2)
        page_of = {
            chosen: pages.get_page(order_page_of(order), {"lang": chosen})
            for chosen in ("en", language)
        }
        assert page_of[language].tree.get("lang") == language
        assert left_in_english(page_of["en"], page_of[language], language) == set()


# The order's own language -----------------------------------------------------------------


def placed_through_the_checkout(house, **headers):
    url = checkout_of(house, free=1)
    answer = PageClient().post(url, CARLA, status=303, headers=headers)
    with house.scope():
        return Order.objects.select_related("event__organiser").get(), answer


def test_order_keeps_the_language_it_was_placed_in(cast):
    order, _answer = placed_through_the_checkout(cast.kikker, **{"accept-language": "de-CH"})

    assert order.locale == "de"


def test_order_takes_the_events_language_from_a_browser_that_asks_for_none(cast):
    with cast.kikker.scope():
        change_event(cast.kikker.event, by=cast.kikker.owner, language="nl")

    order, _answer = placed_through_the_checkout(cast.kikker, **{"accept-language": "fr"})

    assert order.locale == "nl"


def test_order_page_speaks_the_orders_language_until_the_buyer_chooses(cast):
    order, answer = placed_through_the_checkout(cast.kikker, **{"accept-language": "nl"})
    pages = PageClient()
    url = answer.headers["Location"]

    assert pages.get_page(url, headers={"accept-language": "de"}).tree.get("lang") == "nl"
    pages.http.post("/ui/language/", {"language": "de", "next": url})
    assert pages.get_page(url, headers={"accept-language": "nl"}).tree.get("lang") == "de"
    with cast.kikker.scope():
        order.refresh_from_db()
    assert order.locale == "nl"


def test_order_of_the_desk_speaks_the_events_language(at_fjord):
    house = at_fjord.house
    with house.scope():
        change_event(house.event, by=house.owner, language="de")
    page = at_fjord.get("orders:new")

    page.submit(
        "Make order",
        **{f"quantity_{house.free.code}": 1, "payment_method": "FREE"},
        **CARLA,
    )

    with house.scope():
        assert Order.objects.latest("id").locale == "de"


# Mails and PDF ----------------------------------------------------------------------------


@pytest.fixture
def house(fjord):
    """The conference at a date that stays."""
    change_event(fjord.event, by=fjord.owner, starts_at=NIGHT, ends_at=LATE)
    return fjord


@pytest.mark.parametrize("language", OTHERS)
def test_tickets_mail_speaks_the_buyers_language(house, worked, language):
    def place():
        with translation.override(language):
            return house.place(
                free=2, method=PaymentMethod.FREE, attendees=(DORA,), locale=language
            )

    order, [message] = worked(place)

    compare(f"mail-tickets-{language}.txt", steady(written(message), order))
    assert f'lang="{language}"' in str(message.alternatives[0].content)
    assert mail.outbox == [message]


def test_language_of_the_worker_is_its_own_again(house, worked):
    worked(lambda: house.place(free=1, method=PaymentMethod.FREE, locale="de"))

    assert translation.get_language() == "en"
