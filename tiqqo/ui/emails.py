"""Mails: an email is a list of blocks, and its HTML and its plain text are made of the same list.

Each block is drawn by `templates/emails/blocks/<name>.html` and `.txt`; the frame around them is
`templates/emails/frame.html` and `.txt`. Styles are inlined when the email is rendered.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import css_inline
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from tiqqo.core.money import Money
from tiqqo.core.plain_names import greeting_name
from tiqqo.ui import colour

# The sheet of a mail in light and in dark, on which the accent must read.
SHEET, DARK_SHEET = "#ffffff", "#211c18"

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


@dataclass(frozen=True, slots=True)
class Block:
    """One part of an email; `name` is its template."""

    name: ClassVar[str] = ""

    @property
    def html(self) -> str:
        return f"emails/blocks/{self.name}.html"

    @property
    def text_template(self) -> str:
        return f"emails/blocks/{self.name}.txt"


@dataclass(frozen=True, slots=True)
class Text(Block):
    """A paragraph."""

    name: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Note(Block):
    """A paragraph that may be skipped."""

    name: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True, slots=True)
class Heading(Block):
    """A heading below the email's own."""

    name: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True, slots=True)
class Code(Block):
    """A code to type, large."""

    name: ClassVar[str] = "code"
    code: str


@dataclass(frozen=True, slots=True)
class Details(Block):
    """What, when, where: a word and what belongs to it, row by row."""

    name: ClassVar[str] = "facts"
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    amount: Money
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lines(Block):
    """What something costs, line by line, and the total."""

    name: ClassVar[str] = "lines"
    lines: Sequence[Line]
    total: Money
    total_label: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stub(Block):
    """A ticket: the event above the perforation, who comes below it."""

    name: ClassVar[str] = "stub"
    title: str
    when: str
    where: str
    tickets: Sequence[tuple[str, str, str]]
    """(kind, holder, code) of each ticket"""


@dataclass(frozen=True, slots=True)
class EventCard(Block):
    """An event to be curious about."""

    name: ClassVar[str] = "event_card"
    title: str
    when: str
    where: str
    price_words: str
    url: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Button(Block):
    """The one thing to do."""

    name: ClassVar[str] = "button"
    label: str
    url: str

    @property
    def width(self) -> int:
        """Outlook draws the button as a shape and wants its width beforehand."""
        return min(520, 56 + 9 * len(self.label))


@dataclass(frozen=True, slots=True)
class Colours:
    """The accent as a mail uses it, light and dark."""

    fill: str
    ink: str
    text: str
    dark_fill: str
    dark_ink: str
    dark_text: str

    @classmethod
    def of(cls, accent: str) -> "Colours":
        value = accent if colour.is_hex(accent) else colour.TIQQO
        light, dark = colour.light_accent(value), colour.dark_accent(value)
        return cls(
            fill=light.fill,
            ink=light.ink,
            text=colour.readable_on(light.text, SHEET),
            dark_fill=dark.fill,
            dark_ink=dark.ink,
            dark_text=colour.readable_on(dark.text, DARK_SHEET),
        )


@dataclass(frozen=True, slots=True)
class Email:
    """A mail. `sender` and `accent` are the organiser's; without them it is Tiqqo's own."""

    subject: str
    heading: str
    blocks: Sequence[Block]
    preheader: str = ""
    sender: str = "Tiqqo"
    accent: str = ""
    footer: Sequence[str] = field(default_factory=list)
    """Lines under the sheet."""
    unsubscribe_url: str = ""
    """A campaign must have it, and the postal address in the footer."""


def render_email(email: Email) -> tuple[str, str]:
    """(text, html) in the current language."""
    context = {"email": email, "colours": Colours.of(email.accent)}
    text = render_to_string("emails/frame.txt", context)
    html = render_to_string("emails/frame.html", context)
    return text.strip() + "\n", _inliner.inline(html)


def one_line(text: str) -> str:
    """For a subject: a line break in a name would end the header."""
    return " ".join(text.split())


def address(path: str) -> str:
    """The full address of a path of ours."""
    return settings.BASE_URL + path


def greeting(name: str) -> Text:
    """Hello, and the name where it is a plain one: nobody's sentence opens a mail of ours."""
    name = greeting_name(name)
    return Text(_("Hello %(name)s,") % {"name": name} if name else _("Hello,"))
