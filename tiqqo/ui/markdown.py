"""Organisers' Markdown as safe HTML."""

from functools import lru_cache
from time import thread_time
from typing import Any

import nh3
from django import forms
from django.core.exceptions import ValidationError
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS = {
    *("p br strong em a ul ol li h3 h4 blockquote code pre hr".split()),
    *("table thead tbody tr th td".split()),
}


# The longest text that somebody would write takes a fifth of it.
MOST_SECONDS = 0.6
LONGEST_HTML = 300_000


@lru_cache(maxsize=64)
def as_html(text: str) -> SafeString:
    """CommonMark without raw HTML, then only harmless tags; headings below the page's own."""
    html = _markdown.render(text)
    for level in (2, 1):
        html = html.replace(f"<h{level}>", f"<h{level + 2}>").replace(
            f"</h{level}>", f"</h{level + 2}>"
        )
    # Cleaned by nh3, so that nothing but the listed tags is left.
    return mark_safe(nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}))  # noqa: S308


class MarkdownField(forms.CharField):
    """A text in Markdown. Django runs every validator, and this one would take minutes over a text that is
    too long for the field: it is laid out only where the field takes it otherwise."""

    widget = forms.Textarea

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        refuse_hard_text(value)


def refuse_hard_text(text: str) -> None:
    """Raises ValidationError for what would keep a web thread busy whenever somebody opens its page, such
    as ten thousand brackets or a table of a hundred thousand cells."""
    began = thread_time()
    html = as_html.__wrapped__(text)
    if thread_time() - began > MOST_SECONDS or len(html) > LONGEST_HTML:
        raise ValidationError(
            _(
                "This text takes too long to lay out: it has a very large table, or repeats signs such as"
                " [ or * again and again. Make it simpler."
            ),
            code="hard_text",
        )
