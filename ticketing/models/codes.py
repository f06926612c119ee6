"""Promotions and the codes that claim them."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from events.models import Event
from ticketing.models.stock import Allocation
from tiqqo.core import clock
from tiqqo.core.models import TenantModel


class PromotionKind(models.TextChoices):
    """The first one only unlocks; the others are the price engine's kinds of discount."""

    NONE = "none", _("No discount")
    PERCENT = "percent", _("Percentage")
    AMOUNT = "amount", _("Amount off the order")
    FIXED_PRICE = "fixed_price", _("Fixed price per ticket")
    BUY_X_GET_Y = "buy_x_get_y", _("Buy some, get some free")


class Promotion(TenantModel):
    """Terms on which codes, or the rule alone (`is_automatic`), lower a price or open a door.

    It covers the types and releases it names, or the whole event. With `unlocks` its codes show and
    sell the hidden types among those; with an `allocation` they sell the stock of that partner.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="promotions")
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(
        _("discount"), max_length=12, choices=PromotionKind, default=PromotionKind.PERCENT
    )
    rate_bp = models.PositiveIntegerField(_("percentage"), default=0)
    amount_minor = models.PositiveBigIntegerField(_("amount"), default=0)
    buy = models.PositiveSmallIntegerField(_("buy"), default=0)
    get = models.PositiveSmallIntegerField(_("get free"), default=0)
    is_automatic = models.BooleanField(default=False)
    unlocks = models.BooleanField(_("unlocks hidden tickets"), default=False)
    allocation = models.OneToOneField(
        Allocation, null=True, on_delete=models.CASCADE, related_name="promotion"
    )
    # What it covers; both empty: everything.
    ticket_type_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    release_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    opens_at = models.DateTimeField(_("valid from"), null=True, blank=True)
    closes_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    min_subtotal_minor = models.PositiveBigIntegerField(_("from a subtotal of"), default=0)
    min_quantity = models.PositiveSmallIntegerField(_("from so many tickets"), default=0)
    per_email_limit = models.PositiveSmallIntegerField(
        _("uses per e-mail address"), null=True, blank=True
    )
    paused_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "name"], name="promotion_name_once"),
            models.CheckConstraint(
                condition=Q(kind=PromotionKind.NONE)
                | Q(kind=PromotionKind.PERCENT, rate_bp__range=(1, 10_000))
                | Q(kind=PromotionKind.AMOUNT, amount_minor__gt=0)
                | Q(kind=PromotionKind.FIXED_PRICE)
                | Q(kind=PromotionKind.BUY_X_GET_Y, buy__gt=0, get__gt=0),
                name="promotion_terms_fit_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(is_automatic=False)
                | (Q(unlocks=False, allocation=None) & ~Q(kind=PromotionKind.NONE)),
                name="promotion_automatic_only_discounts",
            ),
            models.CheckConstraint(
                condition=Q(closes_at=None) | Q(opens_at=None) | Q(closes_at__gt=F("opens_at")),
                name="promotion_closes_after_it_opens",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Code(TenantModel):
    """What a buyer types, or clicks in a link: it claims its promotion, `uses_limit` times at most.

    A hold takes a use (`held`), its order keeps it (`used`), and a hold that ends gives it back.
    """

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="codes")
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="codes")
    # As it is compared: upper case, see `codes.normalised`.
    text = models.CharField(_("code"), max_length=20)
    uses_limit = models.PositiveIntegerField(_("uses in all"), null=True, blank=True)
    held = models.PositiveIntegerField(default=0)
    used = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(fields=["event", "text"], name="code_text_once"),
            models.CheckConstraint(
                condition=Q(uses_limit=None) | Q(uses_limit__gte=F("held") + F("used")),
                name="code_never_overused",
            ),
        ]

    def __str__(self) -> str:
        return self.text
