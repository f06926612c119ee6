"""Public pages, kept for a moment for everybody who is a stranger: docs/decisions/0013.

In a rush thousands ask for the same page within a second. Each process keeps it as it was sent, for
each language, and serves it before anything else is looked at. What is shown may be that old; what
is sold never is.

What is kept depends on nothing but its key. So a page is kept only when its request brought no cookie
but the language, and no query string but tracking; and nobody is served a kept one whose cookies could
change it.
"""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import re_accepts_gzip
from django.utils.translation import get_language

from tiqqo.core.language import wanted_languages
from tiqqo.core.recent import Recent
from tiqqo.core.tracking import is_only_tracking

View = TypeVar("View", bound=Callable[..., Any])
Key = tuple[str, str, str, str, str, bool]
"""Scheme, host, path, chosen language, browser's language, zipped."""

KEPT_PAGES = 400
KEPT_BYTES = 32 * 1024 * 1024
# Of a host with its port: with more digits to that, a key would take more memory than its page.
LONGEST_HOST = 260
# Past its time a page is still served while one request makes it anew, at most so long.
STALE_SECONDS = 2.0


def kept_for_strangers(view: View) -> View:
    """Its page is the same for every stranger, but for the language."""

    @wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        response.is_for_strangers = not _has_messages(request)
        return response

    marked.is_kept_for_strangers = True  # type: ignore[attr-defined]
    return marked  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Page:
    made_at: float
    body: bytes
    headers: tuple[tuple[str, str], ...]
    status: int

    @classmethod
    def of(cls, response: HttpResponse) -> "_Page":
        headers = tuple(response.headers.items())
        return cls(time.monotonic(), bytes(response.content), headers, response.status_code)

    def size_under(self, key: Hashable) -> int:
        """The bytes that it takes, with a key that strangers may have made long."""
        return len(self.body) + len(repr(key))

    def response(self) -> HttpResponse:
        return HttpResponse(self.body, headers=dict(self.headers), status=self.status)

    def fresh(self, seconds: float) -> HttpResponse:
        """The page, for whoever serves it before Django is asked: it says how long it may be kept."""
        response = self.response()
        response.kept_until = self.made_at + seconds  # type: ignore[attr-defined]
        return response


_answers: Recent[Hashable, _Page] = Recent(most=KEPT_PAGES, most_bytes=KEPT_BYTES)


def kept_answer(
    request: HttpRequest, facts: Hashable, make: Callable[[], HttpResponse]
) -> HttpResponse:
    """What `make` answered to another stranger a moment ago, if the answer would be the same.

    For what was done but is told alike to many, such as that there is nothing left: the page takes
    longer to make than that takes to find out. `facts` are all that it depends on, but for scheme,
    host, path and language.
    """
    seconds: float = settings.PUBLIC_PAGE_SECONDS
    if seconds <= 0 or not _may_see_kept(request):
        return make()
    key = (request.scheme, request.get_host(), request.path_info, get_language(), facts)
    page = _answers.get(key)
    if page is not None and time.monotonic() - page.made_at < seconds:
        return page.response()
    response = make()
    if _may_be_kept_of(request) and not response.cookies and not _has_messages(request):
        page = _Page.of(response)
        _answers.keep(key, page, page.size_under(key))
    return response


def forget_answers() -> None:
    """The next answers are made anew."""
    _answers.clear()


class PublicPages:
    """Answers from memory what a stranger may see, `PUBLIC_PAGE_SECONDS` after it was made.

    Stands before everything that looks at who is asking. Of a page that was kept, one request makes the
    next; what was never kept is made for each. A page counts as a stranger's if the request
    brings no cookie but the language and no query string, and the answer sets no cookie. Words for
    tracking in an address are dropped, so that no page of ours is made with them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._pages: Recent[Key, _Page] = Recent(most=KEPT_PAGES, most_bytes=KEPT_BYTES)
        self._making: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and is_only_tracking(request.META.get("QUERY_STRING", "")):
            request.META["QUERY_STRING"] = ""
        seconds: float = settings.PUBLIC_PAGE_SECONDS
        if seconds <= 0 or request.method != "GET" or not _may_see_kept(request):
            return self.get_response(request)
        key = _key(request)
        page = self._pages.get(key)
        now = time.monotonic()
        if page is not None and now - page.made_at < seconds:
            return page.fresh(seconds)
        if page is None or not _may_be_kept_of(request):
            # Perhaps one that is never kept, and that waits for others: so nobody waits for it here.
            return self._made(key, request)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        stale = now - page.made_at < seconds + STALE_SECONDS
        if not making.acquire(blocking=not stale):
            return page.response()
        try:
            page = self._pages.get(key)
            if page is not None and time.monotonic() - page.made_at < seconds:
                return page.response()
            return self._made(key, request)
        finally:
            making.release()
            if key not in self._pages:
                self._making.pop(key, None)

    def _made(self, key: Key, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _may_be_kept_of(request) and _may_be_kept(response):
            self._keep(key, response)
        return response

    def _keep(self, key: Key, response: HttpResponse) -> None:
        page = _Page.of(response)
        with self._lock:
            self._making.setdefault(key, threading.Lock())
            for forgotten in self._pages.keep(key, page, page.size_under(key)):
                self._making.pop(forgotten, None)


def _may_see_kept(request: HttpRequest) -> bool:
    """Whether what a stranger is shown is what this request would be shown.

    The token against forged requests changes no page that is kept: one with a form that needs it sets
    the cookie for a stranger, and is not kept.
    """
    if request.META.get("QUERY_STRING") or "HTTP_HX_REQUEST" in request.META:
        return False
    if len(request.META.get("HTTP_HOST", "")) > LONGEST_HOST:
        return False
    if "HTTP_COOKIE" not in request.META:
        return True
    return _others_cookies(request) <= {settings.CSRF_COOKIE_NAME}


def _may_be_kept_of(request: HttpRequest) -> bool:
    """Whether what this request is shown is what any stranger would be shown.

    With a token in hand, a page with a form would be made with it, and look like one without.
    """
    return "HTTP_COOKIE" not in request.META or not _others_cookies(request)


def _others_cookies(request: HttpRequest) -> set[str]:
    """The cookies that a page could depend on: all but the language, which is in the key, and those
    of neighbours, which nothing of ours reads."""
    return request.COOKIES.keys() - {settings.LANGUAGE_COOKIE_NAME, *settings.IGNORED_COOKIES}


def _has_messages(request: HttpRequest) -> bool:
    """Whether the page shows a message, or would have: it is for one reader."""
    return bool(len(get_messages(request)))


def _key(request: HttpRequest) -> Key:
    chosen, browser = wanted_languages(request)
    zipped = bool(re_accepts_gzip.search(request.META.get("HTTP_ACCEPT_ENCODING", "")))
    scheme, host = request.scheme or "", request.get_host()
    return (scheme, host, request.path_info, chosen, browser, zipped)


def _may_be_kept(response: HttpResponse) -> bool:
    return (
        getattr(response, "is_for_strangers", False)
        and response.status_code == HTTPStatus.OK
        and not response.cookies
        and not response.streaming
    )
