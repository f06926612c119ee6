"""PDF documents by WeasyPrint: titled, tagged (PDF/UA-1), their fonts inside.

A document is `templates/documents/<name>.html` with `static/css/documents/base.css` and `<name>.css`.
"""

import atexit
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
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
    with _one_at_a_time:
        return _drawn(html, style or name)


def warm_up(name: str = "badge") -> None:
    """The library is imported, fonts and style sheets are read: the next document of this process, and
    of those that it forks, takes a fraction of a second."""
    with _one_at_a_time:
        _drawn('<html lang="en"><title>-</title><p>Tiqqo Łódź <b>1</b></p></html>', name)


def _drawn(html: str, style: str) -> bytes:
    # Imported here: most processes never print, and start faster and smaller without it.
    from weasyprint import HTML

    fonts, base = _base()
    # Without an address of its own, so that a relative one in it leads nowhere.
    document: bytes = HTML(string=html, url_fetcher=_own_files()).write_pdf(
        stylesheets=[base, _sheet(style)], font_config=fonts, pdf_variant="pdf/ua-1"
    )
    return document


def join_pdfs(parts: Sequence[bytes]) -> bytes:
    """Documents of the same kind in one: its pages, with their tags, so that it can be read aloud."""
    if len(parts) == 1:
        return parts[0]
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=BytesIO(parts[0]))
    for part in parts[1:]:
        _append(writer, PdfReader(BytesIO(part)))
    joined = BytesIO()
    writer.write(joined)
    return joined.getvalue()


def _append(writer: Any, reader: Any) -> None:
    """The pages come last, and their tags become children of the one document of the first part."""
    from pypdf.generic import NameObject, NumberObject

    tree = writer.root_object["/StructTreeRoot"]
    numbers, [root] = tree["/ParentTree"]["/Nums"], tree["/K"]
    after = 1 + max(int(number) for number in numbers[::2])
    first_page = len(writer.pages)
    writer.append(reader)
    other = reader.trailer["/Root"]["/StructTreeRoot"].clone(writer)
    for page, source in zip(writer.pages[first_page:], reader.pages, strict=True):
        # pypdf leaves it out, as it says nothing without the tree.
        page[NameObject("/StructParents")] = NumberObject(after + int(source["/StructParents"]))
        for reference in page.get("/Annots", []):
            link = reference.get_object()
            if "/StructParent" in link:
                link[NameObject("/StructParent")] = NumberObject(after + int(link["/StructParent"]))
    [other_root] = other["/K"]
    for child in other_root["/K"]:
        child.get_object()[NameObject("/P")] = root.indirect_reference
        root["/K"].append(child)
    for number, elements in zip(*(iter(other["/ParentTree"]["/Nums"]),) * 2, strict=True):
        numbers.append(NumberObject(after + int(number)))
        numbers.append(elements)


@cache
def _own_files() -> Any:
    from tiqqo.ui.pdf_files import OwnFiles

    return OwnFiles()


@cache
def _base() -> tuple[Any, Any]:
    """The fonts, unpacked once in a process, and the sheet that names them."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    fonts = FontConfiguration()
    # It removes its temporary files when it goes, and must go before the interpreter does.
    atexit.register(_sheet.cache_clear)
    atexit.register(_base.cache_clear)
    return fonts, CSS(
        filename=str(STYLES / "base.css"), font_config=fonts, url_fetcher=_own_files()
    )


@cache
def _sheet(name: str) -> Any:
    """Parsed once in a process."""
    from weasyprint import CSS

    fonts, _base_sheet = _base()
    return CSS(filename=str(STYLES / f"{name}.css"), font_config=fonts, url_fetcher=_own_files())
