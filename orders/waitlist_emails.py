"""What the waitlist's mails say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.models import Event
from orders.emails import when_words
from ticketing.models import WaitlistRequest, WaitlistStatus
from ticketing.queries.waitlist import OwnEntry
from tiqqo.ui.dates import words_for
from tiqqo.ui.emails import Block, Button, Details, Email, Note, Text, greeting, one_line


@dataclass(frozen=True, slots=True)
class WaitlistEmailFacts:
    """What a mail to somebody in line may speak of. `url` is the page of their place, `checkout_url`
    leads to what they are offered, `join_url` to the end of the line."""

    own: OwnEntry
    url: str
    checkout_url: str
    join_url: str
    offered: Sequence[str]

    @property
    def event(self) -> Event:
        return self.own.entry.event


def confirmation_email(request: WaitlistRequest, *, wishes: Sequence[str], url: str) -> Email:
    """The mail to an address that somebody typed: nothing waits until its owner says so.

    It greets nobody by name and names nobody to answer to, for a stranger may have asked for it.
    """
    event = request.event
    return Email(
        subject=one_line(_("Do you want to wait for %(event)s?") % {"event": event.name}),
        heading=one_line(_("Do you want to wait for %(event)s?") % {"event": event.name}),
        preheader=_("One click, and you are in line."),
        blocks=[
            greeting(""),
            Text(
                _(
                    "somebody, probably you, asked for a place on the waitlist for %(event)s with this"
                    " address. You are in line as soon as you confirm it."
                )
                % {"event": event.name}
            ),
            Details(
                [
                    (_("Waiting for"), tickets_wanted(request.quantity, wishes)),
                    *_when(event),
                ]
            ),
            Button(_("See and confirm"), url),
            Note(
                _(
                    "Within an hour you have the place of when you asked; later you start at the end of"
                    " the line. The link is good for a day, and then leads to your place."
                )
            ),
            Note(_("You did not ask for it? Ignore this mail, and nothing happens.")),
        ],
        sender=event.organiser.name,
        accent=event.accent,
        footer=[_("Sent to %(email)s.") % {"email": request.email}],
    )


def waitlist_email(facts: WaitlistEmailFacts) -> Email:
    """The email about how they stand, in the current language."""
    return _EMAILS[facts.own.status](facts)


def _joined(facts: WaitlistEmailFacts) -> Email:
    place = facts.own.place
    words = (
        _("You are number %(place)s in line.") % {"place": place}
        if place
        else _("Who is offered tickets is decided by lot.")
    )
    return _email(
        facts,
        subject=_("You are on the waitlist for %(event)s") % {"event": facts.event.name},
        preheader=words,
        blocks=[
            Text(
                _(
                    "you are on the waitlist for %(event)s. When tickets become free and it is your"
                    " turn, we hold them for you and write to you at once."
                )
                % {"event": facts.event.name}
            ),
            Details([*_wanted(facts), *_place(facts), *_when(facts.event)]),
            Button(_("See your place"), facts.url),
            Note(
                _(
                    "You can leave the line on that page at any time. Whoever has the link can do"
                    " the same, so keep it to yourself."
                )
            ),
        ],
    )


def _offered(facts: WaitlistEmailFacts) -> Email:
    until = _until(facts)
    return _email(
        facts,
        subject=_("Tickets for you: %(event)s") % {"event": facts.event.name},
        preheader=_("Held for you until %(until)s.") % {"until": until},
        blocks=[
            Text(
                _(
                    "it is your turn: tickets for %(event)s have become free. Nobody else can have"
                    " them until %(until)s."
                )
                % {"event": facts.event.name, "until": until}
            ),
            Details(
                [
                    (_("Held for you"), ", ".join(facts.offered)),
                    (_("Until"), until),
                    *_when(facts.event),
                ]
            ),
            Button(_("Get your tickets"), facts.checkout_url),
            Note(
                _(
                    "After that they go to the next in line. If you do not want them any more, let"
                    " somebody else have them: %(url)s"
                )
                % {"url": facts.url}
            ),
        ],
    )


def _lapsed(facts: WaitlistEmailFacts) -> Email:
    return _email(
        facts,
        subject=_("Your tickets for %(event)s went to the next in line")
        % {"event": facts.event.name},
        blocks=[
            Text(
                _(
                    "the time for which we held tickets for %(event)s for you is over, and they went"
                    " to the next in line. Nothing was charged."
                )
                % {"event": facts.event.name}
            ),
            Text(_("If you still want to come, get in line again.")),
            Button(_("Join the waitlist again"), facts.join_url),
        ],
    )


_EMAILS: dict[WaitlistStatus, Callable[[WaitlistEmailFacts], Email]] = {
    WaitlistStatus.WAITING: _joined,
    WaitlistStatus.OFFERED: _offered,
    WaitlistStatus.LAPSED: _lapsed,
}


# Parts -----------------------------------------------------------------------------------


def _email(
    facts: WaitlistEmailFacts, *, subject: str, blocks: Sequence[Block], preheader: str = ""
) -> Email:
    organiser = facts.event.organiser
    footer = [
        _("You get this because you joined the waitlist of %(organiser)s.")
        % {"organiser": organiser.name}
    ]
    if organiser.support_email:
        footer.append(
            _("Questions? Answer this mail: %(email)s") % {"email": organiser.support_email}
        )
    return Email(
        subject=one_line(subject),
        heading=one_line(subject),
        preheader=one_line(preheader),
        blocks=[greeting(facts.own.entry.name), *blocks],
        sender=organiser.name,
        accent=facts.event.accent,
        footer=footer,
    )


def tickets_wanted(count: int, wishes: Sequence[str]) -> str:
    """2 tickets: Regular or Balcony."""
    words = ngettext("%(count)s ticket", "%(count)s tickets", count) % {"count": count}
    wanted = _(" or ").join(wishes)
    return f"{words}: {wanted}" if wanted else words


def _wanted(facts: WaitlistEmailFacts) -> list[tuple[str, str]]:
    return [(_("Waiting for"), tickets_wanted(facts.own.entry.quantity, facts.own.wishes))]


def _place(facts: WaitlistEmailFacts) -> list[tuple[str, str]]:
    place = facts.own.place
    return [(_("Place in line"), str(place) if place else _("by lot"))]


def _when(event: Event) -> list[tuple[str, str]]:
    rows = [(_("When"), when_words(event)), (_("Where"), event.address)]
    return [(label, value) for label, value in rows if value]


def _until(facts: WaitlistEmailFacts) -> str:
    reservation = facts.own.entry.reservation
    assert reservation is not None, "an offer holds something"
    return words_for(reservation.expires_at, facts.event.time_zone, "datetime", show_zone=True)
