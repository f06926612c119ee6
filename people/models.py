"""Humans and companies: in the organiser's audience, and at one event."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from events.models import Event
from tiqqo.core import clock
from tiqqo.core.models import TenantModel

LONGEST_COMPANY = 120


class Company(TenantModel):
    """A business, known to the organiser by name."""

    name = models.CharField(_("company"), max_length=LONGEST_COMPANY)
    # The name as it is compared: lower case, single spaces.
    name_key = models.CharField(max_length=LONGEST_COMPANY)
    vat_number = models.CharField(_("VAT number"), max_length=20, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "name_key"], name="company_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Contact(TenantModel):
    """A human in the organiser's audience: one per normalised e-mail address."""

    email = models.EmailField(_("e-mail address"))
    # The address as it is compared; see `people.operations.normalise_email`.
    email_key = models.CharField(max_length=254)
    first_name = models.CharField(_("first name"), max_length=60, blank=True)
    last_name = models.CharField(_("last name"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    company = models.ForeignKey(
        Company, null=True, on_delete=models.SET_NULL, related_name="contacts"
    )
    created_at = models.DateTimeField(default=clock.now)
    # Marketing consent as last given or withdrawn, with the words that were agreed to.
    consented_at = models.DateTimeField(null=True)
    consent_text = models.CharField(max_length=300, blank=True)
    consent_source = models.CharField(max_length=80, blank=True)
    # When it was last withdrawn: what was agreed to before that counts no more.
    withdrawn_at = models.DateTimeField(null=True)
    # Whose it was is not known any more, see `people.operations.erase_contact`.
    erased_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "email_key"], name="contact_once"),
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


class ConsentAct(models.TextChoices):
    GIVEN = "given", _("Given")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ConsentRecord(TenantModel):
    """That a contact agreed to marketing or withdrew it: when, which words, and where. Never changed."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="consent_records")
    act = models.CharField(max_length=9, choices=ConsentAct)
    at = models.DateTimeField(default=clock.now)
    text = models.CharField(max_length=300, blank=True)
    source = models.CharField(max_length=80, blank=True)

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["contact", "id"], name="consent_by_contact")]

    def __str__(self) -> str:
        return f"{self.act} by {self.contact_id}"


class Person(TenantModel):
    """A human at one event: an attendee, whose contact may be unknown."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="people")
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.SET_NULL, related_name="attendances"
    )
    company = models.ForeignKey(Company, null=True, on_delete=models.SET_NULL, related_name="+")
    first_name = models.CharField(_("first name"), max_length=60)
    last_name = models.CharField(_("last name"), max_length=60, blank=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["event", "contact", "first_name", "last_name"],
                condition=models.Q(contact__isnull=False),
                name="person_once_at_event",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["event", "last_name", "first_name"], name="person_by_name")
        ]

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()
