"""Every write to contacts, companies and people at events."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from events.models import Event
from people.models import LONGEST_COMPANY, Company, ConsentAct, ConsentRecord, Contact, Person
from tiqqo.core import audit, clock
from tiqqo.core.audit import Actor


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
        # In small letters İ is two.
        name_key=name.lower()[:LONGEST_COMPANY],
        defaults={"name": name, "vat_number": vat_number},
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


@transaction.atomic
def record_consent(
    contact: Contact, *, text: str, source: str, given_at: datetime | None = None
) -> None:
    """The contact agreed to marketing: when, to which words, and where.

    What was agreed to before the contact last withdrew changes nothing: it may be recorded later than that.
    """
    now = clock.now()
    contact = _lock_contact(contact)
    if contact.withdrawn_at is not None and (given_at or now) <= contact.withdrawn_at:
        return
    contact.consented_at, contact.consent_text, contact.consent_source = now, text, source
    contact.save(update_fields=["consented_at", "consent_text", "consent_source"])
    ConsentRecord.objects.create(
        contact=contact, act=ConsentAct.GIVEN, at=now, text=text, source=source
    )


@transaction.atomic
def withdraw_consent(contact: Contact, *, source: str, by: Actor = audit.BUYER) -> bool:
    """Nobody may send the contact marketing from now on; whether that was news. Twice is harmless."""
    contact = _lock_contact(contact)
    if contact.consented_at is None and contact.withdrawn_at is not None:
        return False
    now, text = clock.now(), contact.consent_text
    contact.consented_at, contact.withdrawn_at = None, now
    contact.save(update_fields=["consented_at", "withdrawn_at"])
    ConsentRecord.objects.create(
        contact=contact, act=ConsentAct.WITHDRAWN, at=now, text=text, source=source
    )
    audit.record(contact, "consent.withdrawn", by=by, source=source)
    return True


def _lock_contact(contact: Contact) -> Contact:
    locked: Contact = Contact.objects.select_for_update(of=("self",)).get(pk=contact.pk)
    return locked


@transaction.atomic
def erase_contact(contact: Contact, *, by: Actor) -> None:
    """Nobody knows any more whose contact it was. Its rows stay, without name, address or phone; so does
    that consent was withdrawn. Twice is harmless."""
    contact = _lock_contact(contact)
    if contact.erased_at is not None:
        return
    withdraw_consent(contact, source="erasure", by=by)
    address = f"{contact.pk}@erased.invalid"
    Contact.objects.filter(pk=contact.pk).update(
        email=address,
        email_key=address,
        first_name="–",
        last_name="",
        phone="",
        company=None,
        consent_source="",
        erased_at=clock.now(),
    )
    # One to a contact and event, so that no name brings two of them together.
    for person in Person.objects.filter(contact=contact):
        Person.objects.filter(pk=person.pk).update(
            first_name="–", last_name=str(person.pk), email="", company=None
        )
    audit.record(contact, "contact.erased", by=by)


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
