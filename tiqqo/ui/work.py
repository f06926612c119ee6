"""Long work in words: how far it is, how fast it goes, how long it still takes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tiqqo.ui.charts import COUNT

_A_MINUTE = timedelta(minutes=1)
_AN_HOUR = timedelta(hours=1)
# Before that, a rate is a guess.
_KNOWN_AFTER = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Work:
    """`done` of `total` since it began at `started_at`, as seen at `now`."""

    done: int
    total: int
    started_at: datetime
    now: datetime

    @property
    def words(self) -> str:
        return _("%(done)s of %(total)s") % {
            "done": COUNT.full(self.done),
            "total": COUNT.full(self.total),
        }

    @property
    def per_minute(self) -> float | None:
        """None while it is too early to say."""
        took = self.now - self.started_at
        return None if not self.done or took < _KNOWN_AFTER else self.done / (took / _A_MINUTE)

    @property
    def rate_words(self) -> str:
        if self.per_minute is None:
            return ""
        if self.per_minute < 1:
            return _("%(count)s an hour") % {"count": COUNT.full(round(self.per_minute * 60))}
        return _("%(count)s a minute") % {"count": COUNT.full(round(self.per_minute))}

    @property
    def left_words(self) -> str:
        if self.per_minute is None or self.done >= self.total:
            return ""
        left = (self.total - self.done) / self.per_minute * _A_MINUTE
        if left < _A_MINUTE:
            return _("less than a minute left")
        if left < _AN_HOUR:
            minutes = round(left / _A_MINUTE)
            return ngettext(
                "about %(count)s minute left", "about %(count)s minutes left", minutes
            ) % {"count": minutes}
        hours = round(left / _AN_HOUR)
        return ngettext("about %(count)s hour left", "about %(count)s hours left", hours) % {
            "count": hours
        }
