"""PDFs as answers: the file where it is kept, else a page that waits for the worker to draw it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from orders.models import DocumentFile
from orders.operations import redraw_document, request_document
from orders.queries import mailed_document
from orders.shown import Wanted
from tiqqo.core import clock
from tiqqo.ui.work import Work

# The same address with this asks for the page about the file.
PAGE = "page"
LOOKS_AGAIN_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Leave:
    """Where one goes meanwhile."""

    url: str
    label: str


def document_response(
    request: Any,
    wanted: Wanted,
    filename: str,
    *,
    leave: Leave,
    page: Callable[[dict[str, Any]], HttpResponse],
) -> HttpResponse:
    """The PDF that shows what is so now. While it is drawn, 202 and `page` with a context that says how
    far it is, looks again by itself, and then downloads it.

    What was mailed counts where it shows the same. A file that was lost is drawn again.
    """
    mailed = mailed_document(wanted.order, wanted) if wanted.order else None
    document = None if mailed else request_document(wanted)
    if document is None or document.is_in_lottery_order:
        if PAGE in request.GET:
            return _ready(request, page, leave)
        try:
            return _file(mailed or document.file, filename)  # type: ignore[union-attr]
        except FileNotFoundError:
            document = _lost(document, wanted)
    return _waiting(request, document, page, leave)


def _lost(document: DocumentFile | None, wanted: Wanted) -> DocumentFile:
    document = document or request_document(wanted)
    redraw_document(document)
    return document


def _file(file: FieldFile, filename: str) -> HttpResponse:
    response = FileResponse(
        file.open("rb"), as_attachment=True, filename=filename, content_type="application/pdf"
    )
    return cast("HttpResponse", response)


def _ready(
    request: Any, page: Callable[[dict[str, Any]], HttpResponse], leave: Leave
) -> HttpResponse:
    if request.htmx:
        return HttpResponse(
            status=204, headers={"HX-Redirect": f"{request.path}?{_query(request)}"}
        )
    response = page(
        {
            "heading": _("Your PDF is ready"),
            "file_url": _file_address(request),
            "leave": leave,
            "looks_again_at": "",
        }
    )
    # The download begins by itself, and the page stays.
    response["Refresh"] = f"0; url={_file_address(request)}"
    return response


def _waiting(
    request: Any,
    document: DocumentFile,
    page: Callable[[dict[str, Any]], HttpResponse],
    leave: Leave,
) -> HttpResponse:
    work = Work(document.done, document.total, document.requested_at, clock.now())
    address = f"{request.path}?{_query(request)}"
    context = {
        "heading": _("Your PDF is being made"),
        "work": work if document.total > 1 else None,
        "is_given_up": document.is_given_up,
        "leave": leave,
        "looks_again_at": address,
        "looks_again_seconds": LOOKS_AGAIN_SECONDS,
    }
    response = render(request, "orders/drawing.html", context) if request.htmx else page(context)
    response.status_code = 202
    response["Retry-After"] = str(LOOKS_AGAIN_SECONDS)
    return response


def _query(request: Any) -> str:
    """The query string with the word that asks for the page."""
    asked = request.GET.copy()
    asked[PAGE] = ""
    return str(asked.urlencode())


def _file_address(request: Any) -> str:
    asked = request.GET.copy()
    del asked[PAGE]
    return f"{request.path}?{asked.urlencode()}" if asked else str(request.path)
