"""Dates and times in words, in the zone they happen in."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_skeleton
from django.utils.translation import get_language, to_locale

# Babel's plain "en" is American; the English of this house writes the day first and 24 hours.
_HOUSE_LOCALES = {"en": "en_GB"}
_PATTERNS = {
    "day": "EEE d MMM",
    "date": "d MMMM y",
    "short_date": "d MMM y",
    "time": "HH:mm",
    "datetime": "EEE d MMM y, HH:mm",
    "weekday": "EEE",
    "day_number": "d",
    "month": "MMM",
}
_SKELETONS = {
    "day": "MMMEd",
    "date": "yMMMMd",
    "short_date": "yMMMd",
    "time": "Hm",
    "datetime": "yMMMEdHm",
    "weekday": "E",
    "day_number": "d",
    "month": "MMM",
}
EN_DASH = "\N{EN DASH}"
_NIGHT = timedelta(hours=12)


def words_for(instant: datetime, zone: str | tzinfo, style: str, *, show_zone: bool = False) -> str:
    """`instant` as people in `zone` say it; styles: date, short_date, time, datetime, day, and for a
    date set large: weekday, day_number, month."""
    if style not in _PATTERNS:
        raise ValueError(f"Unknown style {style!r}; choose one of {', '.join(_PATTERNS)}.")
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
    words = _formatted(local(start, zone), "datetime")
    if end is not None:
        is_one_evening = (
            local(start, zone).date() == local(end, zone).date() or end - start < _NIGHT
        )
        style, dash = ("time", EN_DASH) if is_one_evening else ("datetime", f" {EN_DASH} ")
        words += dash + _formatted(local(end, zone), style)
    return f"{words} {abbreviation(start, zone)}" if show_zone else words


def local(instant: datetime, zone: str | tzinfo) -> datetime:
    return instant.astimezone(as_zone(zone))


def as_zone(zone: str | tzinfo) -> tzinfo:
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def abbreviation(instant: datetime, zone: str | tzinfo) -> str:
    """CET, BST; zones without letters of their own are told by their distance: UTC-03."""
    name = local(instant, zone).tzname() or "UTC"
    return name if name[0].isalpha() else f"UTC{name}"


def machine_readable(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _formatted(at: datetime, style: str) -> str:
    locale = to_locale(get_language() or "en")
    if locale.startswith("en"):
        return format_datetime(
            at,
            _PATTERNS[style],
            tzinfo=at.tzinfo,
            locale=_HOUSE_LOCALES.get(locale, locale),
        )
    return format_skeleton(_SKELETONS[style], at, tzinfo=at.tzinfo, locale=locale)
