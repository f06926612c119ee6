"""Buyers and attendees become people the organiser knows, once."""

from orders.tasks import welcome_people
from people.models import Company, Contact, Person
from people.operations import Name, remember_company, remember_contact
from tests.cast import DORA, EMIL


def welcome(order):
    welcome_people(order.pk, organiser_id=order.organiser_id)


def test_buyer_and_attendees_are_remembered(kikker):
    order = kikker.place_free(2, attendees=(DORA, EMIL), company_name="Acme  BV", phone="+31 6")

    welcome(order)

    order.refresh_from_db()
    assert order.people_at is not None
    assert (order.contact.email, order.contact.phone) == ("carla@example.org", "+31 6")
    assert order.company == Company.objects.get(name="Acme BV", name_key="acme bv")
    assert sorted(Contact.objects.values_list("email_key", flat=True)) == [
        "carla@example.org",
        "dora@example.org",
        "emil@example.org",
    ]
    assert [str(p) for p in Person.objects.order_by("id")] == ["Dora Guest", "Emil Guest"]
    assert [t.person.contact.email for t in order.tickets.order_by("id")] == [
        "dora@example.org",
        "emil@example.org",
    ]


def test_the_same_people_are_remembered_once(kikker):
    first = kikker.place_free(1, attendees=(DORA,))
    welcome(first)
    welcome(first)
    second = kikker.place_free(
        2, attendees=(Name("Dora", "Guest", "DORA@example.org"), DORA), email="Carla@Example.org "
    )
    welcome(second)

    assert (Contact.objects.count(), Person.objects.count()) == (2, 1)
    second.refresh_from_db()
    first.refresh_from_db()
    assert first.contact == second.contact


def test_what_was_empty_is_filled_and_nothing_is_lost(kikker):
    remember_contact(Name("Carla", "", "carla@example.org"))
    company = remember_company("Acme")

    contact = remember_contact(
        Name("Karla", "Buyer", "CARLA@example.org"), phone="+31 6", company=company
    )

    contact.refresh_from_db()
    assert (contact.first_name, contact.last_name) == ("Carla", "Buyer")
    assert (contact.phone, contact.company, contact.email) == (
        "+31 6",
        company,
        "carla@example.org",
    )


def test_consent_is_recorded_with_words_and_source(kikker):
    order = kikker.place_free(1, consent_text="News, please.")
    silent = kikker.place_free(1, email="silent@example.org")

    welcome(order)
    welcome(silent)

    contact = Contact.objects.get(email_key="carla@example.org")
    assert contact.consented_at is not None
    assert (contact.consent_text, contact.consent_source) == (
        "News, please.",
        f"order {order.code}",
    )
    assert Contact.objects.get(email_key="silent@example.org").consented_at is None


def test_an_attendee_without_an_address_is_a_person_without_a_contact(kikker):
    order = kikker.place_free(2, attendees=(Name("Nobody"), Name("Nobody")))
    welcome(order)

    assert [p.contact for p in Person.objects.all()] == [None, None]
    assert Contact.objects.count() == 1


def test_companies_are_known_by_name(kikker):
    first = remember_company("Acme ApS")
    second = remember_company(" acme   APS ", vat_number="DK1")

    assert first == second
    assert second.vat_number == "DK1"
    assert remember_company("  ") is None


def test_a_company_is_known_whose_name_is_longer_in_small_letters(kikker):
    name = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 120

    assert remember_company(name) == remember_company(name)
    assert remember_company(name).name == name


def test_each_organiser_has_its_own_contact(cast):
    for house in (cast.kikker, cast.fjord):
        with house.scope():
            welcome(house.place_free(1))
            assert Contact.objects.count() == 1
