"""Public pages, kept for a moment for everybody who is a stranger: docs/decisions/0013.

In a rush thousands ask for the same page within a second. Each process keeps it as it was sent, for
each language, and serves it before anything else is looked at. What is shown may be that old; what
is sold never is.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from tiqqo.core.language import wanted_languages

View = TypeVar("View", bound=Callable[..., Any])
Key = tuple[str, str, str, str, bool]
"""Host, path, chosen language, browser's language, zipped."""

KEPT_PAGES = 400
# Past its time a page is still served while one request makes it anew, at most so long.
STALE_SECONDS = 2.0


def kept_for_strangers(view: View) -> View:
    """Its page is the same for everybody without a session, but for the language."""

    @wraps(view)
    def marked(*args: Any, **kwargs: Any) -> Any:
        response = view(*args, **kwargs)
        response.is_for_strangers = True
        return response

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

    def response(self) -> HttpResponse:
        return HttpResponse(self.body, headers=dict(self.headers), status=self.status)

    def fresh(self, seconds: float) -> HttpResponse:
        """The page, for whoever serves it before Django is asked: it says how long it may be kept."""
        response = self.response()
        response.kept_until = self.made_at + seconds  # type: ignore[attr-defined]
        return response


_answers: OrderedDict[Hashable, _Page] = OrderedDict()
_answers_lock = threading.Lock()


def kept_answer(
    request: HttpRequest, facts: Hashable, make: Callable[[], HttpResponse]
) -> HttpResponse:
    """What `make` answered to another stranger a moment ago, if the answer would be the same.

    For what was done but is told alike to many, such as that there is nothing left: the page takes
    longer to make than that takes to find out. `facts` are all that it depends on, but for address
    and language.
    """
    seconds: float = settings.PUBLIC_PAGE_SECONDS
    if seconds <= 0 or not _is_without_session(request):
        return make()
    key = (request.get_host(), request.path_info, get_language(), facts)
    page = _answers.get(key)
    if page is not None and time.monotonic() - page.made_at < seconds:
        return page.response()
    response = make()
    if not response.cookies:
        with _answers_lock:
            _answers[key] = _Page.of(response)
            while len(_answers) > KEPT_PAGES:
                _answers.popitem(last=False)
    return response


class PublicPages:
    """Answers from memory what a stranger may see, `PUBLIC_PAGE_SECONDS` after it was made.

    Stands before everything that looks at who is asking. A page counts as a stranger's if the request
    brings no session and no query string, and the answer sets no cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._pages: OrderedDict[Key, _Page] = OrderedDict()
        self._making: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seconds: float = settings.PUBLIC_PAGE_SECONDS
        if seconds <= 0 or not _is_strangers(request):
            return self.get_response(request)
        key = _key(request)
        page = self._pages.get(key)
        now = time.monotonic()
        if page is not None and now - page.made_at < seconds:
            return page.fresh(seconds)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        stale = page is not None and now - page.made_at < seconds + STALE_SECONDS
        if not making.acquire(blocking=not stale):
            assert page is not None
            return page.response()
        try:
            page = self._pages.get(key)
            if page is not None and time.monotonic() - page.made_at < seconds:
                return page.response()
            response = self.get_response(request)
            if _may_be_kept(response):
                self._keep(key, response)
            return response
        finally:
            making.release()
            if key not in self._pages:
                self._making.pop(key, None)

    def _keep(self, key: Key, response: HttpResponse) -> None:
        with self._lock:
            self._pages[key] = _Page.of(response)
            self._pages.move_to_end(key)
            while len(self._pages) > KEPT_PAGES:
                forgotten, _page = self._pages.popitem(last=False)
                self._making.pop(forgotten, None)


def _is_strangers(request: HttpRequest) -> bool:
    return (
        request.method == "GET"
        and not request.META.get("QUERY_STRING")
        and _is_without_session(request)
    )


def _is_without_session(request: HttpRequest) -> bool:
    return (
        settings.SESSION_COOKIE_NAME not in request.COOKIES and "HX-Request" not in request.headers
    )


def _key(request: HttpRequest) -> Key:
    chosen, browser = wanted_languages(request)
    zipped = "gzip" in request.headers.get("accept-encoding", "")
    return (request.get_host(), request.path_info, chosen, browser, zipped)


def _may_be_kept(response: HttpResponse) -> bool:
    return (
        getattr(response, "is_for_strangers", False)
        and response.status_code == HTTPStatus.OK
        and not response.cookies
        and not response.streaming
    )
