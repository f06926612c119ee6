"""How a public page looks where its link is shared: in a messenger, on a social network.

Names of properties are those of the Open Graph protocol (ogp.me), which all of them read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import get_language

from accounts.models import Organiser
from events.models import Event
from orders.queries import ShopPage
from tiqqo.core.language import PARAMETER, Reader
from tiqqo.ui.dates import words_for_range
from tiqqo.ui.templatetags.ui import price

# What messengers show of a description at most.
_SHOWN = 300
_TERRITORIES = {"en": "en_GB", "nl": "nl_NL", "de": "de_DE"}


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """`url` is the page's one address, whatever was in the address that led to it; `picture` the whole
    address of one, or empty."""

    title: str
    description: str
    url: str
    picture: str
    site: str

    @property
    def locale(self) -> str:
        return _TERRITORIES.get(get_language() or "en", "en_GB")


def front_preview(title: str, description: str, reader: Reader) -> LinkPreview:
    """Of Tiqqo's own page."""
    return LinkPreview(title, description, _address("/", reader), "", "Tiqqo")


def organiser_preview(
    organiser: Organiser, path: str, upcoming: Sequence[Event], reader: Reader
) -> LinkPreview:
    """Of an organiser's page: what comes next there."""
    return LinkPreview(
        title=organiser.name,
        description=_shortened(" · ".join(event.name for event in upcoming[:5])),
        url=_address(path, reader),
        picture=_picture(organiser.logo),
        site=organiser.name,
    )


def event_preview(event: Event, page: ShopPage, path: str, reader: Reader) -> LinkPreview:
    """Of an event's page: when, where, for how much, and what it says of itself."""
    when = (
        words_for_range(event.starts_at, event.ends_at, event.time_zone, show_zone=True)
        if event.starts_at
        else ""
    )
    facts = " · ".join(fact for fact in (when, event.venue_words, price_range(page)) if fact)
    words = ". ".join(part for part in (facts, event.summary) if part)
    return LinkPreview(
        title=event.name,
        description=_shortened(words),
        url=_address(path, reader),
        picture=_picture(event.image) or _picture(event.organiser.logo),
        site=event.organiser.name,
    )


def price_range(page: ShopPage) -> str:
    """What a ticket costs that can be had now, from the cheapest to the dearest."""
    rows = [row for row in page.rows if row.is_open]
    if not rows:
        return ""
    least, most = min(row.lowest for row in rows), max(row.highest for row in rows)
    return price(least) if least == most else f"{price(least)} – {price(most)}"


def _address(path: str, reader: Reader) -> str:
    """Each language has a page of its own, as `language_links` tells search engines."""
    asked = f"?{PARAMETER}={reader.asked}" if reader.asked else ""
    return f"{settings.BASE_URL}{path}{asked}"


def _picture(image: object) -> str:
    address: str = getattr(image, "url", "") if image else ""
    return settings.BASE_URL + address if address.startswith("/") else address


def _shortened(words: str) -> str:
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1].rstrip() + "…"
