"""All style sheets as one response, named after its content.

The folder is the cascade layer: `static/css/components/pill.css` lands in `@layer components`.
`url("static:…")` becomes the address of that static file.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.templatetags.static import static

CSS_DIR = Path(settings.ROOT) / "static" / "css"
LAYERS = "@layer reset, base, layout, components, pages, utilities;\n"

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANKS = re.compile(r"\s*\n\s*")
_STATIC = re.compile(r'"static:([^"]+)"')


@dataclass(frozen=True, slots=True)
class Bundle:
    text: bytes
    zipped: bytes
    digest: str


def bundle() -> Bundle:
    """The style sheets in cascade order; while developing, as they are on disk now."""
    return _built(_changed_at() if settings.DEBUG else 0)


def layered_files() -> list[tuple[str, Path]]:
    return [
        ("base", CSS_DIR / "fonts.css"),
        ("base", CSS_DIR / "tokens.css"),
        ("reset", CSS_DIR / "reset.css"),
        ("base", CSS_DIR / "base.css"),
        ("layout", CSS_DIR / "layout.css"),
        *(("components", path) for path in sorted((CSS_DIR / "components").glob("*.css"))),
        *(("pages", path) for path in sorted((CSS_DIR / "pages").glob("*.css"))),
        ("utilities", CSS_DIR / "utilities.css"),
    ]


def _changed_at() -> int:
    return max(path.stat().st_mtime_ns for _, path in layered_files())


@cache
def _built(_changed: int) -> Bundle:
    parts = [LAYERS]
    for layer, path in layered_files():
        parts.append(f"@layer {layer}{{\n{_slim(path.read_text('utf-8'))}}}\n")
    text = "".join(parts).encode()
    return Bundle(text, gzip.compress(text, 9, mtime=0), hashlib.sha256(text).hexdigest()[:12])


def _slim(css: str) -> str:
    slim = _BLANKS.sub("\n", _COMMENT.sub("", css)).lstrip("\n")
    return _STATIC.sub(lambda found: f'"{static(found[1])}"', slim)
