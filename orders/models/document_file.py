"""PDFs that are drawn when somebody asks for them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import Event
from orders.models.order import Order
from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class DocumentKind(models.TextChoices):
    TICKETS = "tickets", _("Tickets")
    PHONE = "phone", _("Tickets for a phone")
    INVOICE = "invoice", _("Invoice")
    BADGES = "badges", _("Badges")
    BADGE_SHEETS = "sheets", _("Badges on sheets")


DOCUMENT_TRIES = 5
# So many tickets are drawn at a time, in some seconds; then others have their turn. Sheets have ten.
SLICES = {
    DocumentKind.TICKETS: 20,
    DocumentKind.PHONE: 20,
    DocumentKind.INVOICE: 1,
    DocumentKind.BADGES: 50,
    DocumentKind.BADGE_SHEETS: 50,
}


class DocumentFile(TenantModel):
    """A PDF that was asked for: drawn by a worker, slice by slice, and kept.

    `state` names all that it shows, so that what has changed is never answered with an old file.
    """

    kind = models.CharField(max_length=8, choices=DocumentKind)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    # None: of the whole event.
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="+")
    language = models.CharField(max_length=10)
    state = models.CharField(max_length=64)
    # Of the templates and style sheets that it is drawn with; see `orders.shown`.
    layout = models.CharField(max_length=16)

    # Tickets, or one invoice: how many there are, and how many are drawn.
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="private/documents/", blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    requested_at = models.DateTimeField(default=clock.now)
    asked_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    # A worker has it in hand since then; see `claims`.
    claimed_at = models.DateTimeField(null=True)
    drawn_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organiser", "state", "layout"], name="document_file_once"
            ),
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="document_file_done"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(drawn_at=None), name="document_file_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state[:8]}: {self.done} of {self.total}"

    @property
    def is_in_lottery_order(self) -> bool:
        return self.drawn_at is not None

    @property
    def is_given_up(self) -> bool:
        """Whether it failed too often to be tried again by itself."""
        return not self.is_in_lottery_order and self.attempts >= DOCUMENT_TRIES

    @property
    def part_names(self) -> list[str]:
        """Where its slices are kept until all are drawn, in order."""
        step = SLICES[DocumentKind(self.kind)]
        return [self._part_name(first) for first in range(0, self.total, step)]

    @property
    def next_part_name(self) -> str:
        """Where the slice that comes next will be kept."""
        return self._part_name(self.done)

    def _part_name(self, first: int) -> str:
        return f"private/documents/parts/{self.state}-{self.layout}-{first}.pdf"
