"""PDF documents by WeasyPrint: titled, tagged (PDF/UA-1), their fonts inside.

A document is `templates/documents/<name>.html` with `static/css/documents/base.css` and `<name>.css`.
"""

import atexit
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from tiqqo.ui import colour

STYLES = Path(settings.ROOT) / "static" / "css" / "documents"
PAPER = "#ffffff"

# Pango's font map is not made for threads; a document takes a fraction of a second.
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class Inks:
    """The accent as a document uses it: a fill with its ink, and text on paper."""

    fill: str
    ink: str
    text: str

    @classmethod
    def of(cls, accent: str) -> "Inks":
        light = colour.light_accent(accent if colour.is_hex(accent) else colour.TIQQO)
        return cls(light.fill, light.ink, colour.readable_on(light.text, PAPER))


def render_pdf(name: str, context: dict[str, Any], *, accent: str = "", style: str = "") -> bytes:
    """The document in the current language. `style` names another shape of the same document."""
    html = render_to_string(f"documents/{name}.html", {**context, "inks": Inks.of(accent)})
    # Imported here: most processes never print, and start faster and smaller without it.
    from weasyprint import HTML

    with _one_at_a_time:
        fonts, base = _base()
        document: bytes = HTML(string=html, base_url=str(settings.ROOT)).write_pdf(
            stylesheets=[base, _sheet(style or name)], font_config=fonts, pdf_variant="pdf/ua-1"
        )
    return document


@cache
def _base() -> tuple[Any, Any]:
    """The fonts, unpacked once in a process, and the sheet that names them."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    # It removes its temporary files when it goes, and must go before the interpreter does.
    atexit.register(_sheet.cache_clear)
    atexit.register(_base.cache_clear)
    return fonts, CSS(filename=str(STYLES / "base.css"), font_config=fonts)


@cache
def _sheet(name: str) -> Any:
    """Parsed once in a process."""
    from weasyprint import CSS

    fonts, _base_sheet = _base()
    return CSS(filename=str(STYLES / f"{name}.css"), font_config=fonts)
