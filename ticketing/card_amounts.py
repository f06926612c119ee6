"""Whether what something costs can be paid by card, asked when it is set and before it is held."""

from django.conf import settings

from events.models import Event
from ticketing.errors import TooLittleForCard, TooMuchForCard
from ticketing.organiser_errors import DiscountBelowCardMinimum, PriceBelowCardMinimum
from ticketing.pricing import Discount, Item, Terms, discounted, quote
from tiqqo.core.card_amounts import card_limits
from tiqqo.core.money import Money


def takes_cards() -> bool:
    """Whether anything is paid by card here at all."""
    return bool(settings.STRIPE_API_KEY)


def refuse_unpayable(event: Event, total: Money) -> None:
    """A buyer who can only pay by card is told before anything is held for them.

    Raises TooLittleForCard, TooMuchForCard.
    """
    if not total or not takes_cards() or event.allows_invoice:
        return
    limits = card_limits(total.currency)
    if total < limits.least:
        raise TooLittleForCard(total=total, minimum=limits.least)
    if total > limits.greatest:
        raise TooMuchForCard(total=total, maximum=limits.greatest)


def refuse_small_price(terms: Terms, item: Item, *, field: str | None) -> None:
    """The least order of something that costs money can be paid by card.

    Raises PriceBelowCardMinimum.
    """
    total = quote([item], terms).total
    least = card_limits(terms.currency).least
    if takes_cards() and total and total < least:
        raise PriceBelowCardMinimum(subject=item.name, total=total, minimum=least, field=field)


def refuse_small_rest(terms: Terms, items: list[Item], discount: Discount) -> None:
    """The discount makes each of these, bought alone, free or leaves enough to be paid by card.

    Raises DiscountBelowCardMinimum.
    """
    least = card_limits(terms.currency).least
    if not takes_cards():
        return
    for item in items:
        done = discounted([item], code=discount)
        total = quote(done.items, terms).total
        if done.applied and total and total < least:
            raise DiscountBelowCardMinimum(subject=item.name, total=total, minimum=least)
