"""Icons of heroicons (MIT), inlined so that they take the colour of their text."""

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

ICON_DIR = Path(settings.ROOT) / "node_modules" / "heroicons" / "24" / "outline"

_NAME = re.compile(r"[a-z0-9-]+")
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


class IconMissing(LookupError):
    """No icon of that name is installed; `npm install` brings them."""


def svg(name: str, label: str = "") -> SafeString:
    """The icon; silent for screen readers unless labelled. A missing one only hurts in DEBUG."""
    try:
        paths = _paths(name)
    except IconMissing:
        if settings.DEBUG:
            raise
        return SafeString("")
    meaning = format_html(' role="img" aria-label="{}"', label) if label else ' aria-hidden="true"'
    return format_html(
        '<svg class="icon" width="20" height="20" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="1.5" focusable="false"{}>{}</svg>',
        SafeString(meaning),
        paths,
    )


@cache
def _paths(name: str) -> SafeString:
    path = ICON_DIR / f"{name}.svg"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise IconMissing(f"No icon {name!r} in {ICON_DIR}.")
    match = _INNER.search(path.read_text("utf-8"))
    assert match is not None
    return SafeString(" ".join(match[1].split()))
