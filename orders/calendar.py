"""The event as a calendar file (RFC 5545)."""

from events.models import Event as TicketedEvent
from tiqqo.core import clock


def calendar_file(event: TicketedEvent, *, url: str, uid: str, is_holders: bool = False) -> bytes:
    """One VEVENT in UTC; `uid` stays the same for the same order, so a second import updates.

    Where to join online is for holders of tickets.
    """
    # Imported here: most processes never write one, and start faster and smaller without it.
    from icalendar import Calendar, Event, vText

    entry = Event()
    entry.add("uid", uid)
    entry.add("dtstamp", clock.now())
    entry.add("summary", event.name)
    entry.add("dtstart", event.starts_at)
    entry.add("dtend", event.ends_at)
    if event.address:
        entry.add("location", vText(event.address))
    online = event.online_url if is_holders else ""
    description = "\n".join(part for part in (event.summary, online, url) if part)
    entry.add("description", description)
    entry.add("url", url)
    calendar = Calendar()
    calendar.add("prodid", "-//Tiqqo//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written
