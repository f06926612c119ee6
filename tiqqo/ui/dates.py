"""Dates and times in words, in the zone they happen in. Babel knows how each language says them."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_interval,
    format_skeleton,
    format_timedelta,
    get_timezone_name,
)

from tiqqo.core import clock
from tiqqo.core.locales import current_locale

# Babel's plain "en" is American; the English of this house writes the day first and 24 hours, and
# "Sat 12 Dec 2026" without a comma that a time could follow.
_ENGLISH = Locale("en", "GB")
_ENGLISH_PATTERNS = {"yMMMEd": "EEE d MMM y"}
_SKELETONS = {
    "day": "MMMEd",
    "short_date": "yMMMd",
    "time": "Hm",
    "weekday": "E",
    "day_number": "d",
    "month": "MMM",
}
STYLES = ("date", "datetime", *_SKELETONS)
_NIGHT = timedelta(hours=12)
_SECOND = timedelta(seconds=1)


def words_for(instant: datetime, zone: str | tzinfo, style: str, *, show_zone: bool = False) -> str:
    """`instant` as people in `zone` say it; styles: date, short_date, time, datetime, day, and for a
    date set large: weekday, day_number, month."""
    if style not in STYLES:
        raise ValueError(f"Unknown style {style!r}; choose one of {', '.join(STYLES)}.")
    words = _formatted(local(instant, zone), style)
    return f"{words} {abbreviation(instant, zone)}" if show_zone else words


def words_for_range(
    start: datetime,
    end: datetime | None,
    zone: str | tzinfo,
    *,
    show_zone: bool = False,
) -> str:
    """From when to when, saying the day once if the end is on the same day or in its night."""
    first = local(start, zone)
    if end is None:
        words = _formatted(first, "datetime")
    else:
        last = local(end, zone)
        if first.date() == last.date() or end - start < _NIGHT:
            times = format_interval(first, last, "Hm", tzinfo=first.tzinfo, locale=_locale())
            words = _joined(_skeleton(first, "yMMMEd"), times)
        else:
            between = _locale().interval_formats[None]
            words = between.format(_formatted(first, "datetime"), _formatted(last, "datetime"))
    return f"{words} {abbreviation(start, zone)}" if show_zone else words


def words_for_day(day: date) -> str:
    """A day that has no time: 12 December 2026."""
    return format_date(day, "long", locale=_locale())


def words_for_clock(at: time | datetime) -> str:
    """What a clock on the wall shows: 20:00."""
    wall = datetime.combine(date.min, at) if isinstance(at, time) else at
    return format_skeleton("Hm", wall, locale=_locale())


def ago(instant: datetime) -> str:
    """How long since, or until: 14 minutes ago. What is just now is a second ago."""
    since = instant - clock.now()
    if abs(since) < _SECOND:
        since = -_SECOND
    return format_timedelta(since, add_direction=True, locale=_locale())


def local(instant: datetime, zone: str | tzinfo) -> datetime:
    return instant.astimezone(as_zone(zone))


def as_zone(zone: str | tzinfo) -> tzinfo:
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def abbreviation(instant: datetime, zone: str | tzinfo) -> str:
    """CET, MEZ in German, BST; zones without letters are told by their distance: UTC-03."""
    there = local(instant, zone)
    own = there.tzname() or "UTC"
    known = get_timezone_name(there, width="short", locale=_locale())
    if known.isalpha() and len(known) <= len("CEST"):
        return known
    return own if own[0].isalpha() else f"UTC{own}"


def machine_readable(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _locale() -> Locale:
    locale = current_locale()
    return _ENGLISH if locale.language == "en" else locale


def _formatted(at: datetime, style: str) -> str:
    if style == "date":
        return words_for_day(at.date())
    if style == "datetime":
        return _joined(_skeleton(at, "yMMMEd"), _skeleton(at, "Hm"))
    return _skeleton(at, _SKELETONS[style])


def _skeleton(at: datetime, skeleton: str) -> str:
    locale = _locale()
    if locale == _ENGLISH and skeleton in _ENGLISH_PATTERNS:
        pattern = _ENGLISH_PATTERNS[skeleton]
        return format_datetime(at, pattern, tzinfo=at.tzinfo, locale=locale)
    return format_skeleton(skeleton, at, tzinfo=at.tzinfo, locale=locale)


def _joined(day: str, times: str) -> str:
    return str(_locale().datetime_formats["medium"]).format(times, day)
