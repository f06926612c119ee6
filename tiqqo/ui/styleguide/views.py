"""What answers to the specimens that ask: the sentence builder, and a list of ten thousand rows."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tiqqo.core.errors import DomainError, Invalid
from tiqqo.ui.sentences import read_sentence
from tiqqo.ui.styleguide import all_specimens, large_lists

SEGMENT_ID = "segment"
ERROR_PAGES: dict[str, tuple[str, DomainError | None]] = {
    "400": ("400.html", None),
    "403": ("403.html", None),
    "404": ("404.html", None),
    "409": ("errors/refused.html", DomainError(_("The last of these tickets were just sold."))),
    "422": ("errors/refused.html", Invalid(_("A release cannot close before it opens."))),
    "429": ("errors/429.html", None),
    "500": ("500.html", None),
    "503": ("errors/busy.html", None),
    "csrf": ("403_csrf.html", None),
    "offline": ("errors/offline.html", None),
}


def for_builders(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For those who build, not for those who buy: while developing, and for Tiqqo's own staff."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        is_open = settings.DEBUG or settings.TESTING
        if not is_open and not getattr(getattr(request, "user", None), "is_staff", False):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@for_builders
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(
        request,
        "styleguide/page.html",
        {**all_specimens(), "error_pages": ERROR_PAGES},
    )


@require_safe
@for_builders
def error_page(request: HttpRequest, name: str) -> HttpResponse:
    """An error page as it looks; answered with 200, so that it can be looked at."""
    if name not in ERROR_PAGES:
        raise Http404
    template, error = ERROR_PAGES[name]
    return render(request, template, {"error": error})


@require_safe
@for_builders
def segment(request: HttpRequest) -> HttpResponse:
    """The people that the sentence means: a page, its form for htmx, or the count alone."""
    asked = read_sentence(large_lists.GRAMMAR, request.GET)
    context = {
        "id": SEGMENT_ID,
        "url": reverse("ui:segment"),
        "sentence": asked,
        "answer": large_lists.answer(asked.clauses) if asked.is_valid else None,
    }
    if not request.headers.get("HX-Request"):
        return render(request, "styleguide/segment.html", context)
    is_count = request.headers.get("HX-Target") == f"{SEGMENT_ID}-answer"
    part = "components/sentence.html#answer" if is_count else "components/sentence.html"
    return render(request, part, context)


@require_safe
@for_builders
def orders(request: HttpRequest) -> HttpResponse:
    """Ten thousand orders, fifty at a time, paged by key."""
    after = request.GET.get("after", "0")
    if not after.isdecimal():
        raise Http404
    return render(
        request,
        "styleguide/orders.html",
        {
            "many": large_lists.orders_after(int(after)),
            "many_total": large_lists.ORDERS_COUNT,
            "zone": "UTC",
        },
    )
