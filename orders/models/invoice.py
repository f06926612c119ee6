"""The invoice: numbered without gaps, and frozen from the moment it has its number."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from orders.models.order import Order
from ticketing.pricing import TaxAtRate
from tiqqo.core import clock
from tiqqo.core.models import TenantModel
from tiqqo.core.money import Money


class InvoiceCounter(TenantModel):
    """The last number given out in a year. Its row lock is what keeps the numbers without gaps."""

    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "year"], name="invoice_counter_once"),
        ]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Invoice(TenantModel):
    """What an order owes, in words and figures that later changes of the order leave alone."""

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="invoice")
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    # Days in the event's time zone.
    issued_on = models.DateField()
    due_on = models.DateField()
    issued_at = models.DateTimeField(default=clock.now)

    seller = models.JSONField()  # lines of an address block, the name first
    seller_email = models.EmailField(blank=True)
    buyer = models.JSONField()
    buyer_vat_number = models.CharField(max_length=20, blank=True)
    buyer_reference = models.CharField(max_length=40, blank=True)
    payment_reference = models.CharField(max_length=40)
    event_words = models.CharField(max_length=500)

    currency = models.CharField(max_length=3)
    # [{"label": …, "quantity": …, "unit_minor": …, "discount_minor": …, "amount_minor": …,
    # "tax_rate_bp": …, "tax_minor": …}]; the amount is after the discount and before tax.
    lines = models.JSONField()
    tax_name = models.CharField(max_length=10)
    tax_rate_bp = models.PositiveIntegerField()
    net_minor = models.PositiveBigIntegerField()
    tax_minor = models.PositiveBigIntegerField()
    # The service fee, which the order's tax does not cover.
    fee_minor = models.PositiveBigIntegerField()
    total_minor = models.PositiveBigIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organiser", "year", "sequence"], name="invoice_number_once"
            ),
            models.CheckConstraint(
                condition=Q(total_minor=F("net_minor") + F("tax_minor") + F("fee_minor")),
                name="invoice_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("issued_on")), name="invoice_due_after_issue"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """2026-0042: one row of numbers per organiser and year."""
        return f"{self.year}-{self.sequence:04d}"

    @property
    def total(self) -> Money:
        return Money(self.total_minor, self.currency)

    @property
    def prices_include_tax(self) -> bool:
        """Whether the price of one is with the tax; the amounts of the lines never are."""
        sold = sum(
            line["unit_minor"] * line["quantity"] - line.get("discount_minor", 0)
            for line in self.lines
        )
        return bool(self.tax_minor) and sold != self.net_minor

    @property
    def taxes(self) -> list[TaxAtRate]:
        """What is taxed at each rate and the tax on it; invoices of before know one rate."""
        rates = sorted({line.get("tax_rate_bp", self.tax_rate_bp) for line in self.lines})
        if len(rates) < 2:  # noqa: PLR2004
            return [TaxAtRate(self.tax_rate_bp, self.net_minor, self.tax_minor)]
        return [
            TaxAtRate(
                rate,
                sum(line["amount_minor"] for line in self.lines if line["tax_rate_bp"] == rate),
                sum(line["tax_minor"] for line in self.lines if line["tax_rate_bp"] == rate),
            )
            for rate in rates
        ]
