"""Promotions and their codes: by code, or by rule alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import member_view
from accounts.permissions import Permission
from events.exports import record_export
from events.models import Event
from events.queries import event_or_404
from ticketing import operations
from ticketing.catalogue import catalogue_of
from ticketing.codes import normalised
from ticketing.forms.codes import (
    AutomaticForm,
    CodeForm,
    CodeLimitForm,
    GeneratorForm,
    PromotionForm,
)
from ticketing.models import Code, Promotion
from ticketing.queries import (
    PromotionRow,
    code_or_404,
    code_totals,
    codes_of,
    codes_page,
    promotion_board,
    promotion_or_404,
    promotion_row,
)
from ticketing.views.page import tickets_page
from tiqqo.core import clock
from tiqqo.core.csv_files import csv_lines
from tiqqo.core.locales import number
from tiqqo.ui.forms import refusals

TAB = "ticketing:codes"


@dataclass(frozen=True, slots=True)
class Linked:
    """A code with the address that applies it."""

    code: Code
    link: str


@dataclass(frozen=True, slots=True)
class LinkedPromotion:
    """A promotion; where it has just one code, with the address that applies it."""

    row: PromotionRow
    link: str


def share_link(request: Any, event: Event, text: str) -> str:
    """Opens the shop with the code applied."""
    where = {"organiser_slug": request.member.organiser.slug, "event_slug": event.slug}
    shop = reverse("shop:event", kwargs=where)
    return f"{settings.BASE_URL}{shop}?{urlencode({'code': text})}"


@member_view(Permission.EDIT_EVENTS)
@require_GET
def codes(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    board = promotion_board(event, at=clock.now())
    context = {
        "coded": [
            LinkedPromotion(row, share_link(request, event, row.only_code) if row.only_code else "")
            for row in board.coded
        ],
        "automatic": board.automatic,
        "may_edit": request.member.may(Permission.EDIT_EVENTS),
    }
    return tickets_page(request, "ticketing/codes.html", event, context, tab=TAB)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_promotion(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = PromotionForm(request.POST or None, event=event, catalogue=catalogue_of(event))
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            text = form.cleaned_data["text"]
            coded_promotion = operations.create_coded_promotion(
                event,
                by=request.member,
                text=text,
                uses_limit=form.cleaned_data["uses_limit"],
                **form.terms,
            )
            if text:
                messages.success(request, _("%(name)s is ready.") % {"name": coded_promotion.name})
            else:
                messages.success(
                    request,
                    _("%(name)s is ready. Now generate its codes.")
                    % {"name": coded_promotion.name},
                )
            return _to(request, event, "promotion" if text else "code_generator", coded_promotion)
    return _form_page(request, event, form, None)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_automatic(request: Any, event_slug: str) -> HttpResponse:
    event = event_or_404(event_slug)
    form = AutomaticForm(request.POST or None, event=event, catalogue=catalogue_of(event))
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            promotion = operations.create_promotion(
                event, by=request.member, is_automatic=True, **form.terms
            )
            messages.success(request, _("%(name)s is ready.") % {"name": promotion.name})
            return _to(request, event, "promotion", promotion)
    return _form_page(request, event, form, None, is_automatic=True)


@member_view(Permission.EDIT_EVENTS)
@require_GET
def promotion(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    search = normalised(request.GET.get("search", ""))
    cursor = request.GET.get("after", "")
    page = codes_page(promotion, search=search, cursor=cursor)
    kept = {"search": search} if search else {}
    return tickets_page(
        request,
        "ticketing/promotion.html",
        event,
        {
            "row": promotion_row(promotion, event, at=clock.now()),
            "made": promotion,
            "totals": code_totals(promotion),
            "rows": [Linked(code, share_link(request, event, code.text)) for code in page.codes],
            "search": search,
            "next_url": _here(request, kept | {"after": page.next_cursor})
            if page.next_cursor
            else "",
            "first_url": _here(request, kept) if cursor else "",
            "may_edit": request.member.may(Permission.EDIT_EVENTS),
        },
        tab=TAB,
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def promotion_change(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    kind = AutomaticForm if promotion.is_automatic else PromotionForm
    form = kind(request.POST or None, event=event, catalogue=catalogue_of(event), made=promotion)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_promotion(promotion, by=request.member, **form.terms)
            messages.success(request, _("Saved. What is held already keeps its price."))
            return _to(request, event, "promotion", promotion)
    return _form_page(request, event, form, promotion, is_automatic=promotion.is_automatic)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def promotion_pause(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    operations.pause_promotion(promotion, by=request.member)
    messages.success(request, _("%(name)s is paused.") % {"name": promotion.name})
    return _to(request, event, "promotion", promotion)


@member_view(Permission.EDIT_EVENTS)
@require_POST
def promotion_resumption(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    operations.resume_promotion(promotion, by=request.member)
    messages.success(request, _("%(name)s applies again.") % {"name": promotion.name})
    return _to(request, event, "promotion", promotion)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def promotion_deletion(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    if request.method == "POST":
        operations.delete_promotion(promotion, by=request.member)
        messages.success(request, _("%(name)s is deleted.") % {"name": promotion.name})
        return redirect(TAB, organiser_slug=request.member.organiser.slug, event_slug=event_slug)
    context = {"made": promotion, "totals": code_totals(promotion)}
    return tickets_page(request, "ticketing/promotion_deletion.html", event, context, tab=TAB)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def code_generator(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    form = GeneratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            done = operations.generate_codes(promotion, by=request.member, **form.cleaned_data)
            messages.success(
                request,
                ngettext(
                    "%(count)s code is ready. Somebody who guesses hits one of this promotion once in"
                    " %(guesses)s tries.",
                    "%(count)s codes are ready. Somebody who guesses hits one of this promotion once"
                    " in %(guesses)s tries.",
                    done.count,
                )
                % {"count": number(done.count), "guesses": number(done.guesses_per_hit)},
            )
            return _to(request, event, "promotion", promotion)
    context = {"form": form, "made": promotion}
    return tickets_page(
        request, "ticketing/code_generator.html", event, context, tab=TAB, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def new_code(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            code = operations.create_code(promotion, by=request.member, **form.cleaned_data)
            messages.success(request, _("The code %(text)s is ready.") % {"text": code.text})
            return _to(request, event, "promotion", promotion)
    context = {"form": form, "made": promotion}
    return tickets_page(
        request, "ticketing/new_code.html", event, context, tab=TAB, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def code(request: Any, event_slug: str, promotion_id: int, text: str) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    code = code_or_404(promotion, text)
    form = CodeLimitForm(request.POST or None, made=code)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.limit_code(code, by=request.member, **form.cleaned_data)
            messages.success(request, _("The uses of %(text)s are saved.") % {"text": code.text})
            return _to(request, event, "promotion", promotion)
    context = {
        "form": form,
        "made": promotion,
        "code": code,
        "link": share_link(request, event, code.text),
    }
    return tickets_page(
        request, "ticketing/code.html", event, context, tab=TAB, bound=form.is_bound
    )


@member_view(Permission.EDIT_EVENTS)
@require_POST
def code_deletion(request: Any, event_slug: str, promotion_id: int, text: str) -> HttpResponse:
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    code = code_or_404(promotion, text)
    operations.delete_code(code, by=request.member)
    messages.success(request, _("The code %(text)s is deleted.") % {"text": code.text})
    return _to(request, event, "promotion", promotion)


@member_view(Permission.EDIT_EVENTS)
@require_http_methods(["GET", "POST"])
def unused_deletion(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    """All codes that nobody ever reserved with."""
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    if request.method == "POST":
        count = operations.delete_unused_codes(promotion, by=request.member)
        messages.success(
            request,
            ngettext(
                "%(count)s unused code is deleted.", "%(count)s unused codes are deleted.", count
            )
            % {"count": number(count)},
        )
        return _to(request, event, "promotion", promotion)
    return tickets_page(
        request, "ticketing/unused_deletion.html", event, {"made": promotion}, tab=TAB
    )


@member_view(Permission.EDIT_EVENTS)
@require_GET
def codes_csv(request: Any, event_slug: str, promotion_id: int) -> HttpResponse:
    """Every code of the promotion with its link."""
    event = event_or_404(event_slug)
    promotion = promotion_or_404(event, promotion_id)
    count = code_totals(promotion).count
    record_export(event, "codes", by=request.member, rows=count, promotion=promotion.pk)
    response = StreamingHttpResponse(
        _csv(request, event, codes_of(promotion)), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = (
        f'attachment; filename="codes-{event.slug}-{promotion.pk}.csv"'
    )
    return response  # type: ignore[return-value]


def _csv(
    request: Any, event: Event, rows: Iterable[tuple[str, int | None, int, int]]
) -> Iterable[str]:
    columns = ("Code", "Used", "Held", "Uses in all", "Link")
    return csv_lines(
        columns,
        (
            (text, used, held, limit, share_link(request, event, text))
            for text, limit, used, held in rows
        ),
    )


def _form_page(
    request: Any,
    event: Event,
    form: AutomaticForm,
    made: Promotion | None,
    *,
    is_automatic: bool = False,
) -> HttpResponse:
    context = {"form": form, "made": made, "is_automatic": is_automatic}
    return tickets_page(
        request, "ticketing/promotion_form.html", event, context, tab=TAB, bound=form.is_bound
    )


def _here(request: Any, query: dict[str, str]) -> str:
    return f"{request.path}?{urlencode(query)}" if query else str(request.path)


def _to(request: Any, event: Event, page: str, promotion: Promotion) -> HttpResponse:
    return redirect(
        f"ticketing:{page}",
        organiser_slug=request.member.organiser.slug,
        event_slug=event.slug,
        promotion_id=promotion.pk,
    )
