"""Promotions and the codes that claim them: made, changed, paused, generated, limited, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership
from events.models import Event
from ticketing.card_amounts import refuse_small_rest
from ticketing.codes import LONGEST, discount_of, guesses_per_hit, is_written_well, normalised
from ticketing.errors import NameTaken, PriceBelowZero
from ticketing.locks import lock_catalogue
from ticketing.models import (
    Allocation,
    Code,
    OptionPrice,
    Promotion,
    PromotionKind,
    Release,
    Reservation,
    TicketType,
)
from ticketing.operations.bounds import refuse_more
from ticketing.organiser_errors import (
    AmountOffMissing,
    AutomaticPerPerson,
    AutomaticUnlocks,
    AutomaticWithoutDiscount,
    BuyAndGetMissing,
    CodeBadlyWritten,
    CodesOfAutomatic,
    CodeTaken,
    CodeWasUsed,
    LimitBelowUses,
    MinimumWithoutDiscount,
    NoUnusedCodes,
    PercentOutOfRange,
    PromotionAfterEvent,
    PromotionDoesNothing,
    PromotionWasUsed,
    PromotionWindowBackward,
    RandomPartTooLong,
    ScopeOfAnotherEvent,
    TooEasilyGuessed,
    TooLittle,
    TooManyCodes,
)
from ticketing.pricing import WHOLE_BP, Item
from ticketing.selling import line_name, terms_of
from tiqqo.core import audit, clock
from tiqqo.core.codes import new_code

MOST_AT_ONCE = 10_000
# Whoever tries codes at random shall be wrong so often, on average, before one fits.
LEAST_GUESSES = 100_000


class PromotionTerms(TypedDict, total=False):
    """What can be said of a promotion beside its name, see `Promotion`.

    Without types and releases it covers the whole event.
    """

    kind: str
    rate_bp: int
    amount_minor: int
    buy: int
    get: int
    unlocks: bool
    ticket_types: Sequence[TicketType]
    releases: Sequence[Release]
    opens_at: datetime | None
    closes_at: datetime | None
    min_subtotal_minor: int
    min_quantity: int
    per_email_limit: int | None


class PromotionChanges(PromotionTerms, total=False):
    name: str


@dataclass(frozen=True, slots=True)
class Generated:
    """So many codes are new; a random guess hits one of the promotion once in so many."""

    count: int
    guesses_per_hit: int


# What each kind reads of these; the rest is emptied, so that no old number comes back.
_NUMBERS: dict[str, tuple[str, ...]] = {
    PromotionKind.NONE: (),
    PromotionKind.PERCENT: ("rate_bp",),
    PromotionKind.AMOUNT: ("amount_minor",),
    PromotionKind.FIXED_PRICE: ("amount_minor",),
    PromotionKind.BUY_X_GET_Y: ("buy", "get"),
}


@transaction.atomic
def create_promotion(
    event: Event,
    *,
    name: str,
    by: Membership,
    is_automatic: bool = False,
    allocation: Allocation | None = None,
    **terms: Unpack[PromotionTerms],
) -> Promotion:
    """There are terms that codes can claim, or that apply by themselves from now on.

    Amounts in minor units of the event's currency. Of an allocation it unlocks and covers what that
    is of. Raises NameTaken, PercentOutOfRange, AmountOffMissing, PriceBelowZero, BuyAndGetMissing,
    PromotionDoesNothing, AutomaticWithoutDiscount, AutomaticUnlocks, AutomaticPerPerson,
    MinimumWithoutDiscount, TooLittle, PromotionWindowBackward, PromotionAfterEvent,
    ScopeOfAnotherEvent, DiscountBelowCardMinimum, EventHasEnough.
    """
    event = lock_catalogue(event)
    refuse_more(Promotion, event.pk)
    promotion = Promotion(event=event, name=name, is_automatic=is_automatic, allocation=allocation)
    _set(promotion, terms)
    _refuse(promotion, event, terms)
    _save(promotion)
    audit.record(promotion, "promotion.created", by=by, name=name, kind=promotion.kind)
    return promotion


@transaction.atomic
def create_coded_promotion(
    event: Event,
    *,
    by: Membership,
    text: str,
    uses_limit: int | None,
    **terms: Unpack[PromotionChanges],
) -> Promotion:
    """As `create_promotion`, with its first code unless that is empty. Raises as `create_code`, too."""
    promotion = create_promotion(event, by=by, **terms)
    if text:
        create_code(promotion, text=text, uses_limit=uses_limit, by=by)
    return promotion


@transaction.atomic
def change_promotion(
    promotion: Promotion, *, by: Membership, **changes: Unpack[PromotionChanges]
) -> Promotion:
    """What is given of it is as given; the rest stays, and holds that exist keep their discount.

    Raises as `create_promotion`.
    """
    event = lock_catalogue(promotion.event_id)
    found: Promotion = Promotion.objects.select_related("allocation").get(pk=promotion.pk)
    changed = _set(found, changes)
    _refuse(found, event, changes)
    _save(found)
    if changed:
        audit.record(
            found, "promotion.changed", by=by, name=found.name, fields=sorted(set(changed))
        )
    return found


@transaction.atomic
def pause_promotion(promotion: Promotion, *, by: Membership) -> None:
    """It applies to nothing new; what is held keeps it. Twice is harmless."""
    running = Promotion.objects.filter(pk=promotion.pk, paused_at=None)
    if running.update(paused_at=clock.now()):
        audit.record(promotion, "promotion.paused", by=by, name=promotion.name)


@transaction.atomic
def resume_promotion(promotion: Promotion, *, by: Membership) -> None:
    """It applies again, within its window. Twice is harmless."""
    paused = Promotion.objects.filter(pk=promotion.pk, paused_at__isnull=False)
    if paused.update(paused_at=None):
        audit.record(promotion, "promotion.resumed", by=by, name=promotion.name)


@transaction.atomic
def delete_promotion(promotion: Promotion, *, by: Membership) -> None:
    """It is gone with its codes. Raises PromotionWasUsed once anybody has reserved with it."""
    event = lock_catalogue(promotion.event_id)
    _lock_codes(Code.objects.filter(promotion=promotion))
    claimed = Q(code__promotion=promotion) | Q(discounts__contains=[{"promotion": promotion.pk}])
    if Reservation.objects.filter(claimed, event=event).exists():
        raise PromotionWasUsed
    audit.record(event, "promotion.deleted", by=by, name=promotion.name)
    Promotion.objects.get(pk=promotion.pk).delete()


@transaction.atomic
def create_code(
    promotion: Promotion, *, text: str, by: Membership, uses_limit: int | None = None
) -> Code:
    """Buyers can claim the promotion with this code, so often in all; None is without a limit.

    Raises CodeBadlyWritten, CodeTaken, TooLittle, CodesOfAutomatic, EventHasEnough.
    """
    text = normalised(text)
    if not is_written_well(text):
        raise CodeBadlyWritten
    refuse_more(Code, promotion.event_id)
    _refuse_codes(promotion, uses_limit)
    try:
        with transaction.atomic():
            code: Code = Code.objects.create(
                event_id=promotion.event_id, promotion=promotion, text=text, uses_limit=uses_limit
            )
    except IntegrityError as error:
        if "code_text_once" in str(error):
            raise CodeTaken(text=text) from error
        raise
    audit.record(promotion, "code.created", by=by, text=text, uses_limit=uses_limit)
    return code


@transaction.atomic
def generate_codes(
    promotion: Promotion,
    *,
    count: int,
    by: Membership,
    beginning: str = "",
    length: int = 8,
    uses_limit: int | None = 1,
) -> Generated:
    """So many more codes claim the promotion: the prefix, then so many random letters and digits.

    Raises TooManyCodes, CodeBadlyWritten, RandomPartTooLong, TooEasilyGuessed, TooLittle,
    CodesOfAutomatic, EventHasEnough.
    """
    prefix = normalised(beginning)
    lock_catalogue(promotion.event_id)
    among = _refuse_many(promotion, count, prefix, length)
    refuse_more(Code, promotion.event_id, adding=count)
    _refuse_codes(promotion, uses_limit)
    now = clock.now()
    Code.objects.bulk_create(
        Code(
            event_id=promotion.event_id,
            promotion=promotion,
            text=text,
            uses_limit=uses_limit,
            created_at=now,
        )
        for text in _new_texts(promotion.event_id, count, prefix, length)
    )
    audit.record(promotion, "codes.generated", by=by, count=count, prefix=prefix)
    return Generated(count, guesses_per_hit(length, among=among))


@transaction.atomic
def limit_code(code: Code, *, uses_limit: int | None, by: Membership) -> None:
    """It can be used so often in all, earlier uses included. Raises LimitBelowUses, TooLittle."""
    locked = Code.objects.select_for_update(of=("self",)).get(pk=code.pk)
    _refuse_limit(uses_limit)
    taken = locked.held + locked.used
    if uses_limit is not None and uses_limit < taken:
        raise LimitBelowUses(taken=taken)
    if locked.uses_limit != uses_limit:
        locked.uses_limit = uses_limit
        locked.save(update_fields=["uses_limit"])
        audit.record(
            locked.promotion, "code.limited", by=by, text=locked.text, uses_limit=uses_limit
        )


@transaction.atomic
def delete_code(code: Code, *, by: Membership) -> None:
    """Nobody can use it any more. Raises CodeWasUsed once anybody has reserved with it."""
    [locked] = _lock_codes(Code.objects.filter(pk=code.pk))
    if not _unused(Code.objects.filter(pk=locked)).exists():
        raise CodeWasUsed(text=code.text)
    Code.objects.filter(pk=locked).delete()
    audit.record(code.promotion, "code.deleted", by=by, text=code.text)


@transaction.atomic
def delete_unused_codes(promotion: Promotion, *, by: Membership) -> int:
    """Its codes that nobody ever reserved with are gone; how many. Raises NoUnusedCodes."""
    _lock_codes(_unused(Code.objects.filter(promotion=promotion)))
    count, _by_model = _unused(Code.objects.filter(promotion=promotion)).delete()
    if not count:
        raise NoUnusedCodes
    audit.record(promotion, "codes.deleted", by=by, count=count)
    return count


# What is written --------------------------------------------------------------------------


def _set(promotion: Promotion, terms: Mapping[str, Any]) -> list[str]:
    """The names of those that are new."""
    columns = dict(terms)
    if "ticket_types" in columns:
        columns["ticket_type_ids"] = sorted(found.pk for found in columns.pop("ticket_types"))
    if "releases" in columns:
        columns["release_ids"] = sorted(found.pk for found in columns.pop("releases"))
    kind = columns.get("kind", promotion.kind)
    for name in ("rate_bp", "amount_minor", "buy", "get"):
        if name not in _NUMBERS[kind]:
            columns[name] = 0
    if promotion.allocation is not None:
        of = promotion.allocation.ticket_type_id
        columns |= {"unlocks": True, "ticket_type_ids": [of], "release_ids": []}
    changed = [name for name, value in columns.items() if getattr(promotion, name) != value]
    for name in changed:
        setattr(promotion, name, columns[name])
    return changed


def _save(promotion: Promotion) -> None:
    try:
        with transaction.atomic():
            promotion.save()
    except IntegrityError as error:
        if "promotion_name_once" in str(error):
            raise NameTaken from error
        raise


def _new_texts(event_id: int, count: int, prefix: str, length: int) -> list[str]:
    """Texts that no code of the event has. The caller keeps others from making codes meanwhile."""
    texts: set[str] = set()
    while len(texts) < count:
        fresh = {prefix + new_code(length) for _ in range(count - len(texts))}
        taken = Code.objects.filter(event=event_id, text__in=fresh).values_list("text", flat=True)
        texts |= fresh - set(taken)
    return sorted(texts)


def _lock_codes(codes: QuerySet[Code]) -> list[int]:
    """Their ids; whoever wants to claim one of them waits."""
    return list(codes.select_for_update(of=("self",)).order_by("id").values_list("pk", flat=True))


def _unused(codes: QuerySet[Code]) -> QuerySet[Code]:
    """Those that nobody ever reserved with, not even in a hold that ended."""
    reserved = Reservation.objects.filter(code=OuterRef("pk"))
    return codes.filter(~Exists(reserved), held=0, used=0)


# What is refused --------------------------------------------------------------------------


def _refuse(promotion: Promotion, event: Event, terms: Mapping[str, Any]) -> None:
    _refuse_kind(promotion)
    _refuse_limits(promotion)
    if promotion.opens_at and promotion.closes_at and promotion.closes_at <= promotion.opens_at:
        raise PromotionWindowBackward
    if promotion.opens_at and event.ends_at and promotion.opens_at >= event.ends_at:
        raise PromotionAfterEvent
    events = {found.event_id for found in terms.get("ticket_types", ())}
    events |= {found.ticket_type.event_id for found in terms.get("releases", ())}
    if events - {event.pk}:
        raise ScopeOfAnotherEvent
    discount = discount_of(promotion)
    if discount is not None:
        refuse_small_rest(terms_of(event), _least_items(event, promotion), discount)


def _least_items(event: Event, promotion: Promotion) -> list[Item]:
    """The least that can be bought of everything that costs something, and has the discount."""
    releases = Release.objects.filter(ticket_type__event=event).select_related("ticket_type")
    options = OptionPrice.objects.filter(release__in=releases, price_minor__gt=0)
    prices: list[tuple[Release, str, int]] = [
        *((release, "", release.price_minor) for release in releases if release.price_minor),
        *((each.release, each.option.name, each.price_minor) for each in _with_names(options)),
    ]
    return [
        Item(
            name=line_name(release.ticket_type.name, release.name, option),
            quantity=max(
                release.ticket_type.per_order_minimum or 1,
                promotion.min_quantity,
                promotion.buy + promotion.get,
            ),
            unit_price_minor=price,
            ticket_type_id=release.ticket_type_id,
            release_id=release.pk,
            tax_rate_bp=release.ticket_type.tax_rate_bp,
        )
        for release, option, price in prices
    ]


def _with_names(options: QuerySet[OptionPrice]) -> QuerySet[OptionPrice]:
    return options.select_related("option", "release__ticket_type")


def _refuse_kind(promotion: Promotion) -> None:
    kind = promotion.kind
    if kind == PromotionKind.PERCENT and not 1 <= promotion.rate_bp <= WHOLE_BP:
        raise PercentOutOfRange
    if kind == PromotionKind.AMOUNT and promotion.amount_minor < 1:
        raise AmountOffMissing
    if kind == PromotionKind.FIXED_PRICE and promotion.amount_minor < 0:
        raise PriceBelowZero
    if kind == PromotionKind.BUY_X_GET_Y:
        for field in ("buy", "get"):
            if getattr(promotion, field) < 1:
                raise BuyAndGetMissing(field=field)
    if promotion.is_automatic:
        _refuse_automatic(promotion)
    elif kind == PromotionKind.NONE and not promotion.unlocks:
        raise PromotionDoesNothing


def _refuse_automatic(promotion: Promotion) -> None:
    if promotion.kind == PromotionKind.NONE:
        raise AutomaticWithoutDiscount
    if promotion.unlocks:
        raise AutomaticUnlocks
    if promotion.per_email_limit is not None:
        raise AutomaticPerPerson


def _refuse_limits(promotion: Promotion) -> None:
    minimums = {
        "min_subtotal": promotion.min_subtotal_minor,
        "min_quantity": promotion.min_quantity,
    }
    for field, minimum in minimums.items():
        if minimum < 0:
            raise TooLittle(field=field)
        if minimum and promotion.kind == PromotionKind.NONE:
            raise MinimumWithoutDiscount(field=field)
    if promotion.per_email_limit is not None and promotion.per_email_limit < 1:
        raise TooLittle(field="per_email_limit")


def _refuse_codes(promotion: Promotion, uses_limit: int | None) -> None:
    if promotion.is_automatic:
        raise CodesOfAutomatic
    _refuse_limit(uses_limit)


def _refuse_limit(uses_limit: int | None) -> None:
    if uses_limit is not None and uses_limit < 1:
        raise TooLittle(field="uses_limit")


def _refuse_many(promotion: Promotion, count: int, prefix: str, length: int) -> int:
    """How many codes the promotion will have, for a guess to hit."""
    if not 1 <= count <= MOST_AT_ONCE:
        raise TooManyCodes(limit=MOST_AT_ONCE)
    if prefix and not is_written_well(prefix):
        raise CodeBadlyWritten(field="beginning")
    room = LONGEST - len(prefix)
    if length > room:
        raise RandomPartTooLong(room=room)
    among = count + Code.objects.filter(promotion=promotion).count()
    if length < 1 or guesses_per_hit(length, among=among) < LEAST_GUESSES:
        raise TooEasilyGuessed(length=_least_length(among))
    return among


def _least_length(among: int) -> int:
    length = 1
    while guesses_per_hit(length, among=among) < LEAST_GUESSES:
        length += 1
    return length
