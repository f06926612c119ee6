"""We write to addresses that the public internet can deliver to, and say what is wrong with others."""

import ast
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.urls import reverse

from tests.pages import PageClient
from tiqqo.core.email_addresses import LONGEST, mailbox_of, tidied, validate_email_address
from tiqqo.ui.addresses import MailAddressField

UNSEEN = "This address holds a space or a sign that cannot be seen. Type it again."
TOO_LONG = "This address is too long: at most 254 characters, and 64 before the @."
NO_ADDRESS = "Enter an e-mail address such as name@example.org."
NO_DOMAIN = "What stands after the @ must be a public domain, such as example.org."

REFUSED = [
    ("a@localhost", NO_DOMAIN),
    ("a@LOCALHOST", NO_DOMAIN),
    ("a@db.localhost", NO_DOMAIN),
    ("a@printer.local", NO_DOMAIN),
    ("a@redis.internal", NO_DOMAIN),
    ("a@[127.0.0.1]", NO_DOMAIN),
    ("a@[IPv6:::1]", NO_DOMAIN),
    ("a@127.0.0.1", NO_DOMAIN),
    ("a@10.0.0.10", NO_DOMAIN),
    ("a@example", NO_DOMAIN),
    ("a@example.", NO_DOMAIN),
    ("a@.example.org", NO_DOMAIN),
    ("a@example..org", NO_DOMAIN),
    ("a@-example.org", NO_DOMAIN),
    ("a@exa_mple.org", NO_DOMAIN),
    ("a@", NO_DOMAIN),
    ("a..b@example.org", NO_ADDRESS),
    (".a@example.org", NO_ADDRESS),
    ("a.@example.org", NO_ADDRESS),
    ("a@b@example.org", NO_ADDRESS),
    ("@example.org", NO_ADDRESS),
    ("example.org", NO_ADDRESS),
    ('"a"@example.org', NO_ADDRESS),
    ('"\x01"@example.org', UNSEEN),
    ("dóra@example.org", NO_ADDRESS),
    # In small letters longer than our columns.
    ("a@" + ".".join(["\u0130" * 25] * 6) + ".com", NO_DOMAIN),
    # As if it were s or k where case does not count.
    ("\u017fam@example.org", NO_ADDRESS),
    ("\u212aim@example.org", NO_ADDRESS),
    # Sent to example.org, to localhost.local, to strasse.example: as many addresses for one mailbox.
    ("a@\uff45xample.org", NO_DOMAIN),
    ("a@e\u017fsen.example", NO_DOMAIN),
    ("a@b\u00fccher\u3002example.org", NO_DOMAIN),
    ("a@localhost.\uff4cocal", NO_DOMAIN),
    ("a@db.loca\u2113", NO_DOMAIN),
    ("a@stra\u00dfe.example", NO_DOMAIN),
    # Longer than a name may be, once it is written in ASCII.
    ("a@" + "\u00fc" * 60 + ".example", NO_DOMAIN),
    ("a,b@example.org", NO_ADDRESS),
    ("a@example.org,b@example.org", NO_ADDRESS),
    ("Dora <dora@example.org>", UNSEEN),
    ("a b@example.org", UNSEEN),
    ("a@exam\u200bple.org", UNSEEN),
    ("a\u202e@example.org", UNSEEN),
    ("a\x00@example.org", UNSEEN),
    ("a@example.org\r\nBcc: b@example.org", UNSEEN),
    ("a@example.org\nX", UNSEEN),
    ("a\ud800@example.org", UNSEEN),
    ("a" * 65 + "@example.org", TOO_LONG),
    ("a@" + ".".join(["b" * 60] * 4) + ".example.org", TOO_LONG),
    ("a" * 400 + "@example.org", TOO_LONG),
]
ACCEPTED = [
    "a@example.org",
    "Dora.Guest+tickets@mail.example.co.uk",
    "o'neill@example.org",
    "a" * 64 + "@example.org",
    "a@bücher.example",
    "a@BÜCHER.example",
    "a@xn--bcher-kva.example",
    "a@1and1.com",
    "a?bcc=b@example.org",
]


@pytest.mark.parametrize(("address", "why"), REFUSED)
def test_what_nobody_can_deliver_to_is_refused_in_words(address, why):
    with pytest.raises(ValidationError) as refused:
        validate_email_address(address)

    assert refused.value.messages == [why]


@pytest.mark.parametrize("address", ACCEPTED)
def test_addresses_of_people_are_taken(address):
    validate_email_address(address)


@pytest.mark.parametrize(
    "around",
    [" {} ", "{}\u200b", "\ufeff{}", "\u00a0{}\u00a0", "\t{}\r\n", "\u2066{}\u2069", "{}\x00"],
)
def test_what_was_pasted_around_an_address_is_left_out(around):
    assert tidied(around.format("a@example.org")) == "a@example.org"


def test_the_longest_address_is_as_long_as_our_columns():
    address = "aaaa@" + ".".join(["b" * 60] * 3 + ["b" * 62]) + ".org"
    assert len(address) == LONGEST

    validate_email_address(address)


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("Carla@Example.org", "carla@example.org"),
        ("carla+1@example.org", "carla@example.org"),
        ("carla+a+b@example.org", "carla@example.org"),
        ("+carla@example.org", "+carla@example.org"),
        ("carla@bücher.example", "carla@xn--bcher-kva.example"),
        ("carla@XN--bcher-kva.example", "carla@xn--bcher-kva.example"),
        ("c" * 50 + "@" + "ü.de." * 40, ("c" * 50 + "@" + "xn--tda.de." * 40)[:LONGEST]),
    ],
)
def test_addresses_of_one_mailbox_are_counted_together(email, mailbox):
    assert mailbox_of(email) == mailbox


# Every form ----------------------------------------------------------------------------------------


def test_every_form_of_ours_takes_addresses_with_the_one_field():
    apps = ("tiqqo", "accounts", "events", "people", "ticketing", "orders", "checkin", "reports")
    others = {
        str(path.relative_to(settings.ROOT))
        for app in apps
        for path in (Path(settings.ROOT) / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "EmailField"
        and isinstance(node.value, ast.Name)
        and node.value.id == "forms"
    }

    # The field itself.
    assert others == {"tiqqo/ui/addresses.py"}


def _forms(base=forms.BaseForm):
    for form in base.__subclasses__():
        yield form
        yield from _forms(form)


@pytest.mark.django_db
def test_every_form_that_is_declared_takes_addresses_with_the_one_field(client):
    client.get("/")  # so that all of them are imported
    ours = [f for f in _forms() if f.__module__.split(".")[0] in {"accounts", "orders", "ticketing", "events", "tiqqo"}]  # fmt: skip

    found = {
        f"{form.__module__}.{form.__name__}.{name}": type(field)
        for form in ours
        for name, field in form.base_fields.items()
        if name.startswith(("email", "support_email", "to"))
        and "email" in name
        and not form.__module__.endswith("account_forms")
        and not isinstance(field, forms.IntegerField)
    }

    assert len(found) >= 5
    assert {kind for kind in found.values() if not issubclass(kind, MailAddressField)} == set()


WRONG = "a@localhost"


@pytest.mark.django_db
@pytest.mark.parametrize(("typed", "why"), [(WRONG, NO_DOMAIN), ("a" * 300 + "@example.org", TOO_LONG), ("a@exam\u200bple.org", UNSEEN)])  # fmt: skip
def test_forms_say_what_is_wrong_with_an_address(cast, typed, why):
    house = cast.kikker
    with house.scope():
        hold = house.reserve(priced=1)
    shop = f"/blauwe-kikker/{house.event.slug}/"
    visitor, desk = PageClient(cast), PageClient(cast).sign_in(house.owner.user)

    checkout = visitor.get_page(f"{shop}checkout/{hold.secret}/")
    refused = checkout.submit(_button(checkout), status=422, email=typed, email_1=typed)
    assert refused.errors["email"] == why
    assert refused.errors["email_1"] == why

    team = desk.get_page("/o/blauwe-kikker/team/")
    assert team.submit("Send invitation", status=422, email=typed).errors == {"email": why}

    ours = desk.get_page("/o/blauwe-kikker/settings/")
    assert ours.submit("Save settings", status=422, support_email=typed).errors == {
        "support_email": why
    }

    new = desk.get_page(f"/o/blauwe-kikker/events/{house.event.slug}/orders/new/")
    assert new.submit("Make order", status=422, email=typed).errors["email"] == why


def _button(page):
    [button] = [
        text for text in page.texts("button") if text.startswith(("Pay", "Place", "Get", "Go on"))
    ]
    return button


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "button", "more"),
    [
        (
            "account_signup",
            "Create account",
            {"name": "Nils Ny", "password1": "a long enough secret"},
        ),
        ("account_reset_password", None, {}),
    ],
)
def test_accounts_are_not_made_for_an_address_that_cannot_have_mail(
    cast, mailoutbox, name, button, more
):
    page = PageClient(cast).get_page(reverse(name))
    button = button or next(iter(page.texts("main button")))

    refused = page.submit(button, status=200, email=WRONG, **more)

    assert refused.errors == {"email": NO_DOMAIN}
