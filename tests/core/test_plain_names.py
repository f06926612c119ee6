"""Names that stand in mails carry no addresses and nothing that cannot be seen."""

import pytest
from django.core.exceptions import ValidationError

from tiqqo.core.plain_names import greeting_name, name_or, refuse_addresses, refuse_sites
from tiqqo.ui.emails import greeting
from tiqqo.ui.names import NameField, PersonNameField

PEOPLE = [
    "A. Nother",
    "Jean-Luc",
    "O'Neil",
    "O’Neil",
    "St. John",
    "St.John",
    "Dr.Who",
    "Dr. Ly",
    "Dr.Ly",
    "J.R.R. Tolkien",
    "J.To",
    "Smith Jr.",
    "Martin Luther King Jr. III",
    "van 't Hoff",
    "Ana María de la Cruz",
    "Nguyễn Thị Minh Khai",
    "Þórdís Örvarsdóttir",
    "Łukasz Żółć",
    "Ελένη Παπαδοπούλου",
    "Олександр Ківалов",
    "ყვარყვარე",
    "مریم میرزاخانی",
    "نیکی‌فر",
    "שרה כהן",
    "अनुष्का शर्मा",
    "क्‍ष",
    "สมชาย ใจดี",
    "李小龙",
    "山田 太郎",
    "김민준",
    "X Æ A-12",
    "Anna/Maria",
    "Wi",
]
THINGS = [
    *PEOPLE,
    "Smith Ltd.",
    "booking.com B.V.",
    "Booking.com",
    "Mr.Wonderful.com",
    "Amazon.de GmbH & Co.KG",
    "A/S Dampskibsselskabet",
    "B.V./N.V.",
    "C/O Jansen",
    "S.p.A./Ltd",
    "Ticket: the musical",
    "Rust/WASM day 24/7",
    "Wat? Nu!",
    "100% C#",
    "Tel Aviv: Jazz",
    "Family 👩‍👩‍👧‍👦 day",
    "#wirsindmehr",
]
NOBODY = [
    "https://evil.example",
    "You won EUR 500: https://evil.example/claim",
    "hxxps://evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "www.evil.example",
    "Go to WWW.evil.example now",
    "evil.example/claim",
    "Claim at evil.example/claim now",
    "evil.example:8080",
    "evil.example?x=1",
    "evil.example#x",
    "sub.evil.co.uk/x",
    "mailto:me",
    "me@evil.example",
    "write me@evil.example",
    "https:evil",
    "ｅｖｉｌ．ｅｘａｍｐｌｅ／claim",
    "evil。example/claim",
    "https：／／evil",
    "пример.испытание/claim",
    "例え.テスト/claim",
    "Ann\r\nBcc: everybody",
    "Ann\nLee",
    "Ann\tLee",
    "Ann\x00",
    "Ann\u2028Lee",
    "\u202eeeL nnA",
    "Ann\u2066Lee\u2069",
    "Ann\u200bLee",
    "Ann\u200dLee",
    "Ann\u200c",
    "\u200dAnn",
    "Ann\ufeff",
    "Ann\u00adLee",
    "\u3164",
    "Ann\ue000",
]
NO_PERSON = [
    "evil.com",
    "Win at evil.com",
    "evil.co.uk",
    "bit.ly",
    "spam-shop.xyz!",
    "ｅｖｉｌ．ｃｏｍ",
]


@pytest.mark.parametrize("name", PEOPLE)
def test_people_are_called_what_they_are_called(name):
    refuse_sites(name)


@pytest.mark.parametrize("name", THINGS)
def test_companies_and_events_are_called_what_they_are_called(name):
    refuse_addresses(name)


@pytest.mark.parametrize("name", NOBODY)
def test_nothing_is_called_by_an_address_or_by_what_cannot_be_seen(name):
    for refuse in (refuse_addresses, refuse_sites):
        with pytest.raises(ValidationError):
            refuse(name)


@pytest.mark.parametrize("name", NO_PERSON)
def test_nobody_is_called_like_a_web_site(name):
    refuse_addresses(name)

    with pytest.raises(ValidationError):
        refuse_sites(name)


def test_a_long_text_is_looked_at_in_no_time():
    refuse_sites("a." * 60_000 + "b")
    refuse_addresses("a-" * 60_000)


@pytest.mark.parametrize("name", ["Carla", "Jean-Luc", "O’Neil", "A. Nother", "李小龙", "نیکی‌فر"])
def test_a_mail_greets_by_name(name):
    assert greeting_name(name) == name
    assert greeting(name).text == f"Hello {name},"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "evil.com",
        "You won EUR 500: https://evil.example/claim",
        "a" * 61,
        "Call 0800 1234",
        "\u202eX",
    ],
)
def test_a_mail_greets_by_nothing_else(name):
    assert greeting(name).text == "Hello,"


def test_a_name_from_before_gives_way_where_it_would_be_refused_now():
    assert name_or("blauwe-kikker", "Blauwe Kikker") == "Blauwe Kikker"
    assert name_or("win-a-car", "Win a car - https://evil.example") == "win-a-car"


@pytest.mark.parametrize("field", [NameField(max_length=60), PersonNameField(max_length=60)])
def test_a_name_that_is_too_long_for_its_field_is_not_searched(field):
    """The search takes long where signs stand for several: a checkout asks for hundreds of names."""
    with pytest.raises(ValidationError) as refused:
        field.clean("www.evil.example " * 60)

    assert [error.code for error in refused.value.error_list] == ["max_length"]
