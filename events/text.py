"""Organisers' Markdown as safe HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
_TAGS = {
    *("p br strong em a ul ol li h3 h4 blockquote code pre hr".split()),
    *("table thead tbody tr th td".split()),
}


def as_html(text: str) -> SafeString:
    """CommonMark without raw HTML, then only harmless tags; headings below the page's own."""
    html = _markdown.render(text)
    for level in (2, 1):
        html = html.replace(f"<h{level}>", f"<h{level + 2}>").replace(
            f"</h{level}>", f"</h{level + 2}>"
        )
    # Cleaned by nh3, so that nothing but the listed tags is left.
    return mark_safe(nh3.clean(html, tags=_TAGS, attributes={"a": {"href"}}))  # noqa: S308
