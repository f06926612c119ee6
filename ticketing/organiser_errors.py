"""What an organiser is refused, and why. What buyers are refused stands in `errors`."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ticketing.errors import SoldOut
from tiqqo.core.errors import DomainError, Invalid
from tiqqo.core.locales import number
from tiqqo.core.money import Money

# Any of it ------------------------------------------------------------------------------


class EventHasEnough(Invalid):
    code = "event_has_enough"

    def __init__(self, *, things: str | Promise, limit: int) -> None:
        super().__init__(
            _("An event has at most %(limit)s %(things)s. Delete some, or make another event.")
            % {"limit": number(limit), "things": things},
            limit=limit,
        )


class OrganiserHasEnough(Invalid):
    code = "organiser_has_enough"

    def __init__(self, *, things: str | Promise, limit: int) -> None:
        super().__init__(
            _("All your events together have at most %(limit)s %(things)s. Delete some first.")
            % {"limit": number(limit), "things": things},
            limit=limit,
        )


# Ticket types ---------------------------------------------------------------------------


class SetBySales(Invalid):
    """What buyers hold or bought depends on it. `field` is what was to be changed."""

    code = "set_by_sales"

    def __init__(self, *, field: str, what: str | Promise) -> None:
        super().__init__(
            _(
                "Tickets of it are held or sold, so %(what)s cannot change any more. Hide this type"
                " and make another one."
            )
            % {"what": what},
            field=field,
        )


class OptionsMissing(Invalid):
    code = "options_missing"
    field = "options"
    message = gettext_lazy("Name at least one price, such as Adult.")


class TooManyOptions(Invalid):
    code = "too_many_options"
    field = "options"

    def __init__(self, *, limit: int) -> None:
        super().__init__(_("At most %(limit)s prices.") % {"limit": limit}, limit=limit)


class OptionSold(Invalid):
    code = "option_sold"
    field = "options"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            _(
                "Tickets were reserved at the price “%(name)s”, so it stays. Leave its amount empty"
                " in a release to sell no more of it there."
            )
            % {"name": name},
            name=name,
        )


class OrderRangeBackward(Invalid):
    code = "order_range_backward"
    field = "per_order_limit"
    message = gettext_lazy("At most must not be less than at least.")


class BundleInBundle(Invalid):
    """`subject` is the type that contains others, or is itself contained in one."""

    code = "bundle_in_bundle"
    field = "parts"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _("%(subject)s is or would be a bundle within a bundle. Use single tickets as parts.")
            % {"subject": subject},
            subject=subject,
        )


class GroupInBundle(Invalid):
    code = "group_in_bundle"
    field = "parts"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _(
                "%(subject)s is a group ticket. Put single tickets into a bundle, as many as there"
                " are people."
            )
            % {"subject": subject},
            subject=subject,
        )


class BundleHasItsParts(Invalid):
    """A bundle says by its parts how many people and whether for a time; `field` is that."""

    code = "bundle_has_its_parts"

    def __init__(self, *, field: str) -> None:
        super().__init__(
            _("A bundle takes this from its parts. Leave it as it was, or remove the parts."),
            field=field,
        )


class PartOfAnotherEvent(Invalid):
    code = "part_of_another_event"
    field = "parts"
    message = gettext_lazy("A bundle contains ticket types of its own event.")


# Releases -------------------------------------------------------------------------------


class PriceMissing(Invalid):
    """A type with several prices is sold at none of them. `subject` is the release."""

    code = "price_missing"

    def __init__(self, *, subject: str, field: str | None = None) -> None:
        super().__init__(
            _("%(subject)s: give at least one of its prices an amount.") % {"subject": subject},
            subject=subject,
            field=field,
        )


class PriceBelowCardMinimum(Invalid):
    """`subject` costs something, and less than a card payment may be."""

    code = "price_below_card_minimum"

    def __init__(self, *, subject: str, total: Money, minimum: Money, field: str | None) -> None:
        super().__init__(
            _(
                "%(subject)s would cost %(total)s, and a card payment is at least %(minimum)s. Ask for"
                " more, or make it free."
            )
            % {"subject": subject, "total": total, "minimum": minimum},
            subject=subject,
            total=total,
            minimum=minimum,
            field=field,
        )


class DiscountBelowCardMinimum(Invalid):
    """With the discount `subject` costs something, and less than a card payment may be."""

    code = "discount_below_card_minimum"
    field = "kind"

    def __init__(self, *, subject: str, total: Money, minimum: Money) -> None:
        super().__init__(
            _(
                "With this discount %(subject)s costs %(total)s, and a card payment is at least"
                " %(minimum)s. Take less off, or make it free."
            )
            % {"subject": subject, "total": total, "minimum": minimum},
            subject=subject,
            total=total,
            minimum=minimum,
        )


class SuggestedTooLow(Invalid):
    code = "suggested_too_low"
    field = "suggested"
    message = gettext_lazy("Suggest at least the least that is to be paid.")


class FollowsAnotherType(Invalid):
    code = "follows_another_type"
    field = "follows"
    message = gettext_lazy("A release can only wait for one of the same ticket type.")


class FollowsInCircle(Invalid):
    code = "follows_in_circle"
    field = "follows"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _(
                "%(subject)s waits for this release already, so neither would ever open. Choose"
                " another one."
            )
            % {"subject": subject},
            subject=subject,
        )


# Shared pools ---------------------------------------------------------------------------


class NoMembers(Invalid):
    code = "no_members"
    field = "members"
    message = gettext_lazy("Choose at least one ticket type or release that shares these places.")


class MemberOfAnotherEvent(Invalid):
    code = "member_of_another_event"
    field = "members"
    message = gettext_lazy("Only what this event sells can share its places.")


class PoolInUse(DomainError):
    """`taken` are the places that are sold, held, set aside or waited for."""

    code = "pool_in_use"

    def __init__(self, *, taken: int) -> None:
        super().__init__(
            ngettext(
                "%(count)s place of it is sold, held, set aside or waited for, so it stays."
                " Empty its number of places instead: then it limits nothing.",
                "%(count)s places of it are sold, held, set aside or waited for, so it stays."
                " Empty its number of places instead: then it limits nothing.",
                taken,
            )
            % {"count": taken},
            taken=taken,
        )


# Time slots -----------------------------------------------------------------------------


class NoSlots(Invalid):
    code = "no_slots"
    message = gettext_lazy(
        "No time fits. Choose days of the week that lie within your dates, and hours that are longer"
        " than one slot."
    )


class TooManySlots(Invalid):
    code = "too_many_slots"
    field = "last_on"

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            _("That would be more than %(limit)s time slots at once. Choose fewer days.")
            % {"limit": limit},
            limit=limit,
        )


class DaysBackward(Invalid):
    code = "days_backward"
    field = "last_on"
    message = gettext_lazy("The last day must not be before the first.")


class SlotsOutsideEvent(Invalid):
    """`field` is the day on which the event is not on."""

    code = "slots_outside_event"

    def __init__(self, *, field: str) -> None:
        super().__init__(
            _("The event is not on at that time. Choose days and hours within it."), field=field
        )


class SlotsSold(DomainError):
    code = "slots_sold"
    message = gettext_lazy(
        "Tickets for it were reserved or somebody waits for it, so it cannot be deleted. Pause it"
        " instead."
    )


# Holds ----------------------------------------------------------------------------------


class HoldBeingPaid(DomainError):
    code = "hold_being_paid"
    message = gettext_lazy(
        "The buyer is on the payment page, so these places stay held. They are free by themselves if"
        " nothing is paid."
    )


class HoldIsOffer(DomainError):
    code = "hold_is_offer"
    message = gettext_lazy(
        "These places are offered to somebody in the waitlist. They are free once the offer lapses."
    )


class HoldOver(DomainError):
    code = "hold_over"
    message = gettext_lazy("These places are not held any more.")


# Promotions and codes -------------------------------------------------------------------


class PercentOutOfRange(Invalid):
    code = "percent_out_of_range"
    field = "percent"
    message = gettext_lazy("Enter a percentage above 0 and up to 100.")


class AmountOffMissing(Invalid):
    code = "amount_off_missing"
    field = "amount"
    message = gettext_lazy("Enter what is taken off, more than 0.")


class BuyAndGetMissing(Invalid):
    """`field` is the number that is missing."""

    code = "buy_and_get_missing"

    def __init__(self, *, field: str) -> None:
        super().__init__(_("Enter a number from 1 on."), field=field)


class PromotionDoesNothing(Invalid):
    code = "promotion_does_nothing"
    field = "unlocks"
    message = gettext_lazy(
        "Without a discount it has to unlock hidden tickets. Tick this, or choose a discount."
    )


class AutomaticWithoutDiscount(Invalid):
    code = "automatic_without_discount"
    field = "kind"
    message = gettext_lazy("What applies by itself needs a discount. Choose one.")


class AutomaticUnlocks(Invalid):
    code = "automatic_unlocks"
    field = "unlocks"
    message = gettext_lazy("Only a code can unlock hidden tickets. Leave this empty.")


class AutomaticPerPerson(Invalid):
    code = "automatic_per_person"
    field = "per_email_limit"
    message = gettext_lazy("Only the uses of codes can be limited per person. Leave this empty.")


class MinimumWithoutDiscount(Invalid):
    """`field` is the minimum that has nothing to apply to."""

    code = "minimum_without_discount"

    def __init__(self, *, field: str) -> None:
        super().__init__(_("A minimum is for discounts. Leave this empty."), field=field)


class TooLittle(Invalid):
    """`field` is a number that may be empty, or has to be 1 or more."""

    code = "too_little"

    def __init__(self, *, field: str) -> None:
        super().__init__(_("Enter 1 or more, or leave it empty."), field=field)


class PromotionWindowBackward(Invalid):
    code = "promotion_window_backward"
    field = "closes_at"
    message = gettext_lazy("It must end after it begins.")


class PromotionAfterEvent(Invalid):
    code = "promotion_after_event"
    field = "opens_at"
    message = gettext_lazy("The event is over by then. Begin earlier.")


class ScopeOfAnotherEvent(Invalid):
    code = "scope_of_another_event"
    field = "types"
    message = gettext_lazy("Choose ticket types and releases of this event.")


class PromotionWasUsed(DomainError):
    code = "promotion_was_used"
    message = gettext_lazy(
        "Somebody has used it, so it stays on record. Pause it instead: then it applies to nothing"
        " new."
    )


class CodesOfAutomatic(DomainError):
    code = "codes_of_automatic"
    message = gettext_lazy("This discount applies by itself and has no codes.")


class CodeBadlyWritten(Invalid):
    """`field` is the whole code, or the prefix of many."""

    code = "code_badly_written"

    def __init__(self, *, field: str = "text") -> None:
        super().__init__(
            _("Use letters from A to Z, digits, - and _, at most 20 of them."), field=field
        )


class CodeTaken(Invalid):
    code = "code_taken"
    field = "text"

    def __init__(self, *, text: str) -> None:
        super().__init__(
            _("This event has a code %(text)s already. Choose another one.") % {"text": text},
            text=text,
        )


class LimitBelowUses(Invalid):
    code = "limit_below_uses"
    field = "uses_limit"

    def __init__(self, *, taken: int) -> None:
        super().__init__(
            ngettext(
                "It was used or is held %(count)s time already, so it cannot be less than that.",
                "It was used or is held %(count)s times already, so it cannot be less than that.",
                taken,
            )
            % {"count": taken},
            taken=taken,
        )


class CodeWasUsed(DomainError):
    code = "code_was_used"

    def __init__(self, *, text: str) -> None:
        super().__init__(
            _(
                "Somebody reserved tickets with %(text)s, so it stays on record. Lower its uses, or"
                " pause the promotion."
            )
            % {"text": text},
            text=text,
        )


class NoUnusedCodes(DomainError):
    code = "no_unused_codes"
    message = gettext_lazy("Every code here was used or is held, so all of them stay on record.")


class TooManyCodes(Invalid):
    code = "too_many_codes"
    field = "count"

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            _("From 1 to %(limit)s codes at once. Generate again for more.") % {"limit": limit},
            limit=limit,
        )


class RandomPartTooLong(Invalid):
    """`room` is how many random characters fit behind the prefix."""

    code = "random_part_too_long"
    field = "length"

    def __init__(self, *, room: int) -> None:
        super().__init__(
            _(
                "A code has at most 20 characters, so %(room)s random ones fit behind this prefix."
                " Choose fewer, or a shorter prefix."
            )
            % {"room": room},
            room=room,
        )


class TooEasilyGuessed(Invalid):
    """`length` is the least that is hard enough."""

    code = "too_easily_guessed"
    field = "length"

    def __init__(self, *, length: int) -> None:
        super().__init__(
            _(
                "So many codes of that length could be guessed. Choose %(length)s random characters or"
                " more."
            )
            % {"length": length},
            length=length,
        )


# Allocations ----------------------------------------------------------------------------


class CompanyNameMissing(Invalid):
    code = "company_name_missing"
    field = "company_name"
    message = gettext_lazy("Name the company that the places are for.")


class PlacesMissing(Invalid):
    code = "places_missing"
    field = "quantity"
    message = gettext_lazy("Set aside 1 place or more.")


class NoRoomToSetAside(SoldOut):
    """`available` is how many places of `subject` are free for all."""

    field = "quantity"

    def __init__(self, *, subject: str, requested: int, available: int) -> None:
        DomainError.__init__(
            self,
            ngettext(
                "Only %(count)s place of %(subject)s is free for this. Set aside fewer, or make room"
                " first.",
                "Only %(count)s places of %(subject)s are free for this. Set aside fewer, or make"
                " room first.",
                available,
            )
            % {"subject": subject, "count": available}
            if available > 0
            else _("%(subject)s has no free place for this. Make room first.")
            % {"subject": subject},
            subject=subject,
            requested=requested,
            available=available,
        )


class BundleSetAside(Invalid):
    code = "bundle_set_aside"
    field = "ticket_type"

    def __init__(self, *, subject: str) -> None:
        super().__init__(
            _(
                "%(subject)s is a bundle of other tickets. Set aside those tickets, one type at a"
                " time."
            )
            % {"subject": subject},
            subject=subject,
        )


class ReturnsInPast(Invalid):
    code = "returns_in_past"
    field = "returns_at"
    message = gettext_lazy("Choose a moment to come, or leave it empty.")


class AllocationBelowTaken(Invalid):
    code = "allocation_below_taken"
    field = "quantity"

    def __init__(self, *, taken: int) -> None:
        super().__init__(
            ngettext(
                "%(count)s place of it is sold or held, so it cannot be less than that.",
                "%(count)s places of it are sold or held, so it cannot be less than that.",
                taken,
            )
            % {"count": taken},
            taken=taken,
        )


class AllocationOver(DomainError):
    code = "allocation_over"
    message = gettext_lazy(
        "These places are back on sale, so this can no longer change. Set places aside anew."
    )


# The waitlist ---------------------------------------------------------------------------


class NotWaiting(DomainError):
    code = "not_waiting"
    message = gettext_lazy("They are not waiting any more. Look at the list again.")


class NothingFree(DomainError):
    """Nothing of what they wish for has room for all the tickets they want."""

    code = "nothing_free"

    def __init__(self, *, requested: int) -> None:
        super().__init__(
            ngettext(
                "No place is free of what they wait for. Raise a limit, or wait until one is.",
                "No %(count)s places are free of what they wait for. Raise a limit, or wait until"
                " they are.",
                requested,
            )
            % {"count": requested},
            requested=requested,
        )


class NotALottery(DomainError):
    code = "not_a_lottery"
    message = gettext_lazy(
        "Who came first is offered places first. Choose the lot in the settings."
    )


class NobodyToDraw(DomainError):
    code = "nobody_to_draw"
    message = gettext_lazy("There is nobody to draw for: everybody in line has their place.")
