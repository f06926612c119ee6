"""Tags and filters that every template has."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.forms.widgets import CheckboxInput, ChoiceWidget, ClearableFileInput
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _

from tiqqo.core.language import PARAMETER
from tiqqo.core.locales import number
from tiqqo.core.money import Money
from tiqqo.ui import charts, colour, dates, icons, posters, stylesheets

register = template.Library()

JS_DIR = Path(settings.ROOT) / "static" / "js"


# The page -------------------------------------------------------------------------------


@register.simple_tag(name="stylesheets")
def stylesheet_links() -> SafeString:
    url = reverse("ui:stylesheet", args=[stylesheets.bundle().digest])
    return format_html('<link rel="stylesheet" href="{}">', url)


@register.simple_tag
def theme_stylesheet(accent: str | None = "") -> SafeString:
    """The organiser's accent; without one, or with one that is no colour, Tiqqo's own stays."""
    if not accent or not colour.is_hex(accent):
        return SafeString("")
    url = reverse("ui:theme", args=[accent.removeprefix("#").lower()])
    return format_html('<link rel="stylesheet" href="{}">', url)


@register.simple_tag
def poster(text: str, accent: str | None = "") -> str:
    """The address of the poster of whatever `text` stands for, in Tiqqo's colour without an accent."""
    known = accent if accent and colour.is_hex(accent) else colour.TIQQO
    return reverse("ui:poster", args=[posters.seed_of(text), known.removeprefix("#").lower()])


@register.simple_tag
def scripts(folder: str = "elements") -> SafeString:
    """The modules of a folder of static/js, none of which waits for another.

    `elements` is what every page has, with tiqqo.js; `desk` is what only those at a desk need.
    """
    return format_html_join(
        "\n",
        '<script type="module" src="{}"></script>',
        ((static(name),) for name in _script_names(folder)),
    )


@cache
def _script_names(folder: str) -> tuple[str, ...]:
    names = [f"js/{folder}/{path.name}" for path in sorted(JS_DIR.glob(f"{folder}/*.js"))]
    return ("js/tiqqo.js", *names) if folder == "elements" else tuple(names)


@register.simple_tag(takes_context=True)
def block_text(context: template.RequestContext, name: str) -> str:
    """The plain text of a block of this page, so that the title repeats the heading."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks and blocks.get_block(name)
    return " ".join(unescape(strip_tags(block.render(context))).split()) if block else ""


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    return icons.svg(name, label)


# Money and time -------------------------------------------------------------------------


@register.filter
def followed_by(text: str, more: object) -> str:
    """Both in a row; nothing where the first is nothing: an address that somebody may not open."""
    return f"{text}{more}" if text else ""


@register.filter
def amount(value: Money | None) -> str:
    """€12.50, with spaces that do not break."""
    return "" if value is None else str(value).replace(" ", "\N{NO-BREAK SPACE}")


@register.filter
def price(value: Money | None) -> str:
    """€12.50, or the word for nothing."""
    return _("Free") if value is not None and not value else amount(value)


@register.filter
def money(minor: int | None, currency: str) -> str:
    return "" if minor is None else amount(Money(minor, currency))


@register.simple_tag
def when(
    instant: datetime | None,
    zone: str | tzinfo = "UTC",
    style: str = "datetime",
    show_zone: bool = False,
) -> SafeString:
    if instant is None:
        return SafeString("")
    return format_html(
        '<time datetime="{}">{}</time>',
        dates.machine_readable(instant),
        dates.words_for(instant, zone, style, show_zone=show_zone),
    )


@register.simple_tag
def when_range(
    start: datetime,
    end: datetime | None,
    zone: str | tzinfo = "UTC",
    show_zone: bool = False,
) -> SafeString:
    return format_html(
        '<time datetime="{}">{}</time>',
        dates.machine_readable(start),
        dates.words_for_range(start, end, zone, show_zone=show_zone),
    )


@register.filter
def ago(instant: datetime) -> str:
    """14 minutes ago."""
    return dates.ago(instant)


# Languages ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Language:
    """A language that this page can be read in, by its own name."""

    code: str
    name: str
    is_current: bool


@register.simple_tag(takes_context=True)
def languages(context: template.Context) -> list[Language]:
    """None where the page is in English only."""
    if not getattr(context.get("request"), "is_translated", False):
        return []
    current = get_language()
    return [
        Language(code, get_language_info(code)["name_local"], code == current)
        for code, _name in settings.LANGUAGES
    ]


@register.simple_tag(takes_context=True)
def language_links(context: template.Context) -> SafeString:
    """This page in every language, for search engines: in the head of what they shall find."""
    request: HttpRequest = context["request"]
    address = request.build_absolute_uri(request.path)
    rows = [(code, f"{address}?{PARAMETER}={code}") for code, _name in settings.LANGUAGES]
    return format_html_join(
        "\n  ",
        '<link rel="alternate" hreflang="{}" href="{}">',
        [*rows, ("x-default", address)],
    )


@register.simple_tag(takes_context=True)
def address_without_language(context: template.Context) -> str:
    """This page, for coming back to it after the choice."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query.pop(PARAMETER, None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


# Forms ----------------------------------------------------------------------------------


@register.filter
def layout(field: BoundField) -> str:
    """How a field is laid out: checkbox, choices, file or input."""
    widget = field.field.widget
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(widget, ChoiceWidget) and field.use_fieldset:
        return "choices"
    return "file" if isinstance(widget, ClearableFileInput) else "input"


@register.filter
def anchor(field: BoundField) -> str:
    """The id that a link to the field leads to: its input, or the first of its choices."""
    return field.id_for_label or f"{field.auto_id}_0"


# Components with a body -----------------------------------------------------------------


def _component(name: str, content: str, **arguments: Any) -> SafeString:
    return render_to_string(f"components/{name}.html", {"content": content, **arguments})


@register.simple_block_tag
def card(
    content: str,
    title: str = "",
    id: str = "",
    note: str = "",
    action_url: str = "",
    action_label: str = "",
    level: int = 2,
) -> SafeString:
    return _component(
        "card",
        content,
        title=title,
        id=id,
        note=note,
        action_url=action_url,
        action_label=action_label,
        level=level,
    )


@register.simple_block_tag
def table(content: str, caption: str, show_caption: bool = False) -> SafeString:
    return _component("table", content, caption=caption, show_caption=show_caption)


@register.simple_block_tag
def filters(content: str, summary: str = "", is_open: bool = False) -> SafeString:
    return _component("filters", content, summary=summary, is_open=is_open)


@register.simple_block_tag
def dialog(content: str, id: str, title: str, is_open: bool = False) -> SafeString:
    return _component("dialog", content, id=id, title=title, is_open=is_open)


# Small words for components -------------------------------------------------------------

_TONES = {
    "success": "positive",
    "warning": "caution",
    "error": "negative",
    "debug": "info",
}
_TONE_ICONS = {
    "positive": "check-circle",
    "caution": "exclamation-triangle",
    "negative": "x-circle",
    "info": "information-circle",
}


@register.filter
def tone(name: str | None) -> str:
    """Our tones, from the level tags of Django's messages too."""
    found = _TONES.get(name or "", name or "")
    return found if found in _TONE_ICONS else "info"


@register.filter
def tone_icon(name: str) -> str:
    return _TONE_ICONS[tone(name)]


@register.filter
def counted(value: int | str) -> str:
    """1,400 as the reader's language groups it; words stay words."""
    return number(value) if isinstance(value, int) else value


@register.filter
def initials(name: str | None) -> str:
    words = [word for word in (name or "").partition("@")[0].split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@register.filter
def done_count(steps: list[Any]) -> int:
    return sum(1 for step in steps if _is_done(step))


@register.filter
def open_first(steps: list[Any]) -> list[Any]:
    return sorted(steps, key=_is_done)


def _is_done(step: Any) -> bool:
    return bool(step["done"] if isinstance(step, dict) else step.done)


@register.filter
def specimen_title(name: str) -> str:
    return name.replace("_", " ").capitalize()


@register.filter
def specimen_template(name: str) -> str:
    return f"styleguide/specimens/{name}.html"


@register.simple_tag
def releases_chart(releases: list[Any], now: datetime) -> charts.ReleasesChart:
    return charts.releases_chart(releases, now)


@register.simple_tag(takes_context=True)
def way_back(context: template.Context) -> str:
    """`back_url` of the context, else the page somebody came from if it is ours, else the start."""
    request: HttpRequest | None = context.get("request")
    url: str = context.get("back_url") or (request.headers.get("referer", "") if request else "")
    host = request.get_host() if request else None
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=host and {host}) else "/"
