"""Every write to contacts, companies and people at events."""

from dataclasses import dataclass

from django.db import transaction

from events.models import Event
from people.models import Company, Contact, Person
from tiqqo.core import clock


@dataclass(frozen=True, slots=True)
class Name:
    first: str
    last: str = ""
    email: str = ""

    def __str__(self) -> str:
        return f"{self.first} {self.last}".strip()


def normalise_email(email: str) -> str:
    """The address as it is compared: trimmed and in lower case.

    RFC 5321 lets the part before the @ be case-sensitive; no provider of note makes it so.
    """
    return email.strip().lower()


def remember_company(name: str, *, vat_number: str = "") -> Company | None:
    """The organiser knows the company. None for an empty name."""
    name = " ".join(name.split())
    if not name:
        return None
    company: Company
    company, made = Company.objects.get_or_create(
        name_key=name.lower(), defaults={"name": name, "vat_number": vat_number}
    )
    if vat_number and not made and not company.vat_number:
        company.vat_number = vat_number
        company.save(update_fields=["vat_number"])
    return company


def remember_contact(name: Name, *, phone: str = "", company: Company | None = None) -> Contact:
    """The organiser has one contact for the address; what was empty is filled, nothing is lost."""
    contact: Contact
    contact, made = Contact.objects.get_or_create(
        email_key=normalise_email(name.email),
        defaults={
            "email": name.email.strip(),
            "first_name": name.first,
            "last_name": name.last,
            "phone": phone,
            "company": company,
        },
    )
    if not made:
        offered = {
            "first_name": name.first,
            "last_name": name.last,
            "phone": phone,
            "company": company,
        }
        fills = {k: v for k, v in offered.items() if v and not getattr(contact, k)}
        for field, value in fills.items():
            setattr(contact, field, value)
        if fills:
            contact.save(update_fields=list(fills))
    return contact


def record_consent(contact: Contact, *, text: str, source: str) -> None:
    """The contact agreed to marketing: when, to which words, and where."""
    contact.consented_at, contact.consent_text, contact.consent_source = clock.now(), text, source
    contact.save(update_fields=["consented_at", "consent_text", "consent_source"])


@transaction.atomic
def welcome_person(event: Event, name: Name, *, company: Company | None = None) -> Person:
    """The human is a person at the event, once; with an address, a contact, too."""
    contact = remember_contact(name) if name.email else None
    person: Person
    if contact is None:
        person = Person.objects.create(
            event=event, first_name=name.first, last_name=name.last, company=company
        )
        return person
    person, _made = Person.objects.get_or_create(
        event=event,
        contact=contact,
        first_name=name.first,
        last_name=name.last,
        defaults={"email": contact.email, "company": company},
    )
    return person
