"""Which language a page speaks: docs/decisions/0009."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header

PARAMETER = "lang"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of who reads: the language they chose, the one their browser asks for, and the one
    that the address names."""

    chosen: str
    browser: str
    asked: str = ""


def in_readers_language(view: View) -> View:
    """Its pages are translated."""
    view.is_translated = True  # type: ignore[attr-defined]
    return view


def in_english(view: View) -> View:
    """Its pages are in English only, although the site around it is translated."""
    view.is_translated = False  # type: ignore[attr-defined]
    return view


class ReadersLanguage:
    """Translated pages speak the reader's language, all others English.

    `?lang=de` is a choice that is remembered, so that a link from outside leads to a German shop.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        asked = supported(request.GET.get(PARAMETER, ""))
        chosen, browser = wanted_languages(request)
        chosen = asked or chosen
        request.reader = Reader(chosen, browser, asked)
        request.is_translated = True
        with translation.override(chosen or request.reader.browser or settings.LANGUAGE_CODE):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        if request.is_translated:
            patch_vary_headers(response, ["Accept-Language", "Cookie"])
        if asked:
            remember(response, asked)
        return response

    def process_view(self, request: Any, view: Callable[..., Any], *_arguments: Any) -> None:
        request.is_translated = getattr(view, "is_translated", False)
        if not request.is_translated:
            translation.activate(settings.LANGUAGE_CODE)


def suggest_language(request: Any, code: str, *, over_browser: bool = False) -> None:
    """The page speaks `code`, unless its reader chose a language or their browser asks for one.

    `over_browser` is for what is somebody's own, such as their order: only a choice is stronger.
    """
    reader: Reader = request.reader
    if not reader.chosen and (over_browser or not reader.browser) and supported(code):
        translation.activate(code)


def remember(response: HttpResponse, code: str) -> None:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )


def supported(code: str) -> str:
    """The language of ours that `code` means: "nl" for nl-BE; none for what we do not speak."""
    try:
        return translation.get_supported_language_variant(code.lower()) if code else ""
    except LookupError:
        return ""


def wanted_languages(request: HttpRequest) -> tuple[str, str]:
    """The language of ours that the reader chose earlier, and the one their browser asks for."""
    chosen = supported(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    return chosen, _browsers_language(request)


def _browsers_language(request: HttpRequest) -> str:
    wanted = parse_accept_lang_header(request.headers.get("accept-language", ""))
    return next((ours for code, _weight in wanted if (ours := supported(code))), "")
