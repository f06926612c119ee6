"""The ledger: every amount of money as a balanced entry. Balances are sums of postings."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class AccountKind(models.TextChoices):
    """What an account holds. An organiser's money is negative (owed to them), assets are positive."""

    CLEARING = "clearing", _("At the payment provider")
    PENDING = "pending", _("Pending for the organiser")
    PLATFORM_FEES = "platform_fees", _("Service fees")


class LedgerEntry(TenantModel):
    """A set of postings that sums to zero. `key` names the deed, so that it is booked once."""

    key = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField(default=clock.now)
    # What it is about, for the statement: an order's code, a payout's number.
    reference = models.CharField(max_length=80)
    event_id = models.BigIntegerField(null=True)

    is_append_only: ClassVar = True

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["organiser", "key"], name="ledger_entry_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Posting(TenantModel):
    """One amount on one account, in minor units; debit positive, credit negative."""

    entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=20, choices=AccountKind)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()

    is_append_only: ClassVar = True

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.CheckConstraint(condition=~models.Q(amount_minor=0), name="posting_not_zero"),
            models.CheckConstraint(
                condition=models.Q(account__in=AccountKind.values), name="posting_account_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organiser", "account", "currency"], name="posting_by_account")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_minor} {self.currency}"
