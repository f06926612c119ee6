"""How a number moved: an arrow, a word and a tone."""

from dataclasses import dataclass

from babel.numbers import format_percent
from django.utils.translation import gettext as _

from tiqqo.core.locales import current_locale

_ALMOST = 0.005


@dataclass(frozen=True, slots=True)
class Change:
    """`direction` is up, down or level; `tone` says whether that is good news."""

    direction: str
    words: str
    tone: str

    @property
    def icon(self) -> str:
        return {"up": "arrow-up", "down": "arrow-down"}.get(self.direction, "minus")


def change(now: int, before: int, *, than: str, is_more_better: bool = True) -> Change:
    """`now` against `before`; `than` names the earlier time: "the 30 days before"."""
    if now == before or (before and abs(now - before) / abs(before) < _ALMOST):
        return Change("level", _("as in %(than)s") % {"than": than}, "neutral")
    is_more = now > before
    tone = "positive" if is_more == is_more_better else "negative"
    direction = "up" if is_more else "down"
    if not before:
        return Change(direction, _("none in %(than)s") % {"than": than}, tone)
    facts = {
        "share": format_percent(abs(now - before) / abs(before), locale=current_locale()),
        "than": than,
    }
    words = (
        _("%(share)s more than in %(than)s") if is_more else _("%(share)s less than in %(than)s")
    )
    return Change(direction, words % facts, tone)
