"""Consent is taken back by a link, without signing in; notices stand where data is asked."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.operations import change_organiser
from orders.tasks import welcome_people
from orders.waitlist_email_messages import waitlist_mail
from people.consent_links import consent_token, consent_url, contact_of, one_click_headers
from people.models import ConsentRecord, Contact
from people.operations import Name, record_consent, remember_contact, withdraw_consent
from tests.ticketing.waitlists import join, sell_out
from tiqqo.core import audit
from tiqqo.core.models import AuditEntry

pytestmark = pytest.mark.django_db

TEXT = "Blauwe Kikker may send me news about its events. I can stop that at any time."


@pytest.fixture
def contact(cast):
    with cast.kikker.scope():
        found = remember_contact(Name("Carla", "Buyer", "carla@example.org"))
        record_consent(found, text=TEXT, source="order ABC")
        return Contact.objects.get()


@pytest.fixture
def address(cast, contact):
    url = consent_url(contact, cast.kikker.organiser)
    return url.removeprefix("http://127.0.0.1:8000").removeprefix("http://testserver")


def has_agreed(cast):
    with cast.kikker.scope():
        contact = Contact.objects.get()
        assert (contact.consented_at is None) == (contact.withdrawn_at is not None)
        return contact.consented_at is not None


def test_the_link_shows_neither_id_nor_address(contact, address):
    assert address.startswith("/blauwe-kikker/consent/")
    assert "carla" not in address
    assert str(contact.pk) not in address.split("/")


def test_a_get_changes_nothing_and_the_button_takes_it_back(cast, contact, address, pages):
    page = pages.get_page(address)
    pages.get_page(address)

    assert has_agreed(cast)
    assert page.h1 == "Stop the news?"
    assert TEXT in page.text()

    answer = page.submit("Stop the news", status=303)

    page = pages.follow(answer)
    assert page.h1 == "You get no news"
    assert not has_agreed(cast)
    with cast.kikker.scope():
        given, withdrawn = ConsentRecord.objects.order_by("id")
        assert (given.act, given.text, given.source) == ("given", TEXT, "order ABC")
        assert (withdrawn.act, withdrawn.text, withdrawn.source) == (
            "withdrawn",
            TEXT,
            "consent page",
        )
        [entry] = AuditEntry.objects.filter(action="consent.withdrawn")
        assert entry.actor_label == "Buyer"


def test_a_mail_program_takes_it_back_by_one_click(cast, contact, address):
    strict = Client(enforce_csrf_checks=True)

    answer = strict.post(address, {"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert not has_agreed(cast)
    assert one_click_headers("https://x/") == {
        "List-Unsubscribe": "<https://x/>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_twice_is_one_withdrawal(cast, contact, address, client):
    for _ in range(3):
        client.post(address)

    with cast.kikker.scope():
        assert ConsentRecord.objects.filter(act="withdrawn").count() == 1
        assert AuditEntry.objects.filter(action="consent.withdrawn").count() == 1


def test_who_agrees_again_after_that_has_agreed(cast, contact):
    with cast.kikker.scope():
        assert withdraw_consent(contact, source="test")
        record_consent(contact, text=TEXT, source="order DEF")

        contact.refresh_from_db()
        assert contact.consented_at is not None
        assert withdraw_consent(contact, source="test", by=audit.BUYER)
        assert [r.act for r in ConsentRecord.objects.order_by("id")] == [
            "given",
            "withdrawn",
            "given",
            "withdrawn",
        ]


def test_what_was_agreed_to_before_is_not_recorded_over_a_withdrawal(cast, contact):
    """The worker that makes contacts of an order may come later than the withdrawal."""
    house = cast.kikker
    with house.scope():
        order = house.place_free(1, consent_text=TEXT)
        withdraw_consent(contact, source="test")

        welcome_people(order.pk, organiser_id=house.organiser.pk)

        contact.refresh_from_db()
        assert contact.consented_at is None


def test_a_link_that_was_made_up_or_is_anothers_leads_nowhere(cast, contact, client):
    with cast.kikker.scope():
        token = consent_token(contact)
        assert contact_of(token) == contact
    with cast.fjord.scope():
        assert contact_of(token) is None
    for wrong in (token[:-2] + "AA", "x", "x" * 5000, f"{contact.pk}", "é", "gAAAAA"):
        answer = client.get(
            reverse("consent", kwargs={"organiser_slug": "blauwe-kikker", "token": wrong})
        )
        assert answer.status_code == 404, wrong
    assert client.post(f"/fjord-tech/consent/{token}/").status_code == 404
    assert has_agreed(cast)


def test_the_order_page_has_the_link_while_there_is_something_to_stop(in_kikker_shop):
    house = in_kikker_shop.house
    with house.scope():
        order = house.place_free(1, consent_text=TEXT)
        welcome_people(order.pk, organiser_id=house.organiser.pk)
    here = {"code": order.code, "secret": order.secret}

    page = in_kikker_shop.get("shop:order", **here)
    page = in_kikker_shop.pages.get_page(
        page.links()["Stop that"].removeprefix("http://127.0.0.1:8000")
    )
    page.submit("Stop the news", status=303)

    assert "Stop that" not in in_kikker_shop.get("shop:order", **here).links()


def test_a_mail_of_the_waitlist_is_stopped_by_one_click(kikker):
    sell_out(kikker)
    entry = join(kikker)
    mail = waitlist_mail(entry)

    address = mail.extra_headers["List-Unsubscribe"].strip("<>")
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = "/" + address.split("/", 3)[3]
    answer = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.content) == (200, b"ok")
    entry.refresh_from_db()
    assert entry.status == "left"


# Privacy notice and terms -----------------------------------------------------------------


def test_the_default_notice_names_who_is_responsible(in_kikker_shop):
    page = in_kikker_shop.pages.get_page("/blauwe-kikker/privacy/")

    assert page.h1 == "Privacy notice"
    assert "Blauwe Kikker sells these tickets and is responsible" in page.text()
    assert "help@blauwekikker.example" in page.links()
    in_kikker_shop.pages.get_page("/blauwe-kikker/terms/", status=404)


@pytest.mark.parametrize("language", ["nl", "de"])
def test_the_default_notice_speaks_the_readers_language(in_kikker_shop, language):
    in_kikker_shop.pages.http.cookies["language"] = language
    page = in_kikker_shop.pages.get_page("/blauwe-kikker/privacy/")

    assert page.h1 != "Privacy notice"
    assert "responsible" not in page.text()


def test_an_organisers_own_words_are_shown_as_safe_markdown(cast, in_kikker_shop):
    with cast.kikker.scope():
        change_organiser(
            cast.kikker.organiser,
            by=cast.kikker.owner,
            privacy_text="# Ours\n\nWe **care**. <script>alert(1)</script>",
            terms_text="No refunds.",
        )

    page = in_kikker_shop.pages.get_page("/blauwe-kikker/privacy/")
    assert page.texts("strong") == ["care"]
    assert "Ours" in page.text()
    assert in_kikker_shop.pages.get_page("/blauwe-kikker/terms/").h1 == "Terms"


def test_an_address_of_their_own_is_linked_and_nobody_is_sent_there_unasked(
    cast, checkout, in_kikker_shop
):
    with cast.kikker.scope():
        change_organiser(
            cast.kikker.organiser,
            by=cast.kikker.owner,
            privacy_url="https://kikker.example/privacy",
            terms_url="https://kikker.example/terms",
        )

    links = checkout(free=1).links()
    assert (links["privacy notice"], links["terms"]) == (
        "https://kikker.example/privacy",
        "https://kikker.example/terms",
    )
    for page in ("privacy", "terms"):
        address = f"https://kikker.example/{page}"
        found = in_kikker_shop.pages.get_page(f"/blauwe-kikker/{page}/")
        assert found.links()[address] == address


def test_checkout_and_waitlist_say_where_the_notice_is(checkout, in_kikker_shop):
    assert checkout(free=1).links()["privacy notice"] == "/blauwe-kikker/privacy/"
    house = in_kikker_shop.house
    with house.scope():
        sell_out(house)
    assert (
        in_kikker_shop.get("shop:waitlist").links()["privacy notice"] == "/blauwe-kikker/privacy/"
    )
    assert (
        in_kikker_shop.get("shop:event").links("footer a")["Privacy"] == "/blauwe-kikker/privacy/"
    )


def test_sign_up_links_the_platforms_notices(pages, settings):
    page = pages.get_page(reverse("account_signup"))
    assert "privacy notice" not in page.links()

    settings.PRIVACY_URL, settings.TERMS_URL = "https://t.example/p", "https://t.example/t"
    links = pages.get_page(reverse("account_signup")).links()
    assert (links["privacy notice"], links["terms"]) == (
        "https://t.example/p",
        "https://t.example/t",
    )


def test_an_organiser_writes_its_notice_in_the_settings(at_kikker):
    page = at_kikker.get("accounts:settings")
    page.submit("Save settings", privacy_url="kikker.example/privacy", terms_text="No refunds.")

    at_kikker.house.organiser.refresh_from_db()
    assert at_kikker.house.organiser.privacy_url == "https://kikker.example/privacy"
    page.submit("Save settings", status=422, privacy_url="javascript:alert(1)")


def test_a_missing_notice_is_on_the_checklist_and_keeps_nobody_from_publishing(at_kikker):
    from tests.cast import EventFactory

    house = at_kikker.house
    with house.scope():
        draft = EventFactory(organiser=house.organiser, by=house.owner, name="Someday")
    page = at_kikker.pages.get_page(f"/o/blauwe-kikker/events/{draft.slug}/")

    assert page.links()["Add the notice"] == "/o/blauwe-kikker/settings/"
    with house.scope():
        change_organiser(house.organiser, by=house.owner, privacy_text="Ours.")
    page = at_kikker.pages.get_page(f"/o/blauwe-kikker/events/{draft.slug}/")
    assert "Add the notice" not in page.links()


def test_the_organiser_sees_who_stopped_the_news(at_kikker):
    house = at_kikker.house
    with house.scope():
        order = house.place_free(1, consent_text=TEXT)
        welcome_people(order.pk, organiser_id=house.organiser.pk)
        withdraw_consent(Contact.objects.get(email_key="carla@example.org"), source="test")

    [row] = at_kikker.get("orders:people").rows

    assert row[4].startswith("Stopped")
