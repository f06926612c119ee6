"""Mails from templates: plain text and HTML with its styles inlined."""

from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


def render_mail(template: str, context: dict[str, Any]) -> tuple[str, str]:
    """(text, html) of `<template>.txt` and `<template>.html`."""
    context = {**context, "base_url": settings.BASE_URL}
    text = render_to_string(f"{template}.txt", context)
    return text.strip() + "\n", _inliner.inline(render_to_string(f"{template}.html", context))
