"""What platform staff decides about organisers."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts import operations
from accounts.access import staff_view
from accounts.models import Organiser, User
from accounts.queries import organisers_page

WAITING, RELEASED = "waiting", "released"


@dataclass(frozen=True, slots=True)
class StaffActor:
    """A user of the platform's staff, who acts on no organiser's behalf."""

    user: User

    @property
    def actor_user_id(self) -> int:
        return int(self.user.pk)

    @property
    def actor_label(self) -> str:
        return f"{self.user} (Tiqqo)"


@staff_view
@require_GET
def organisers(request: Any) -> HttpResponse:
    """Who waits to be released to the front page, and who is."""
    shown = RELEASED if request.GET.get("show") == RELEASED else WAITING
    after = request.GET.get("after", "")
    page = organisers_page(
        is_waiting=shown == WAITING,
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None,  # noqa: PLR2004
    )
    here = reverse("platform_organisers")
    tabs = [
        {"label": label, "url": f"{here}?show={code}", "current": code == shown}
        for code, label in ((WAITING, "Waiting"), (RELEASED, "Released"))
    ]
    context = {"page": page, "shown": shown, "tabs": tabs}
    return render(request, "platform/organisers.html", context)


@staff_view
@require_POST
def release(request: Any, slug: str) -> HttpResponse:
    organiser = get_object_or_404(Organiser, slug=slug)
    operations.release_organiser(organiser, by=StaffActor(request.user))
    messages.success(request, f"{organiser} is released.")
    return redirect("platform_organisers")


@staff_view
@require_POST
def withdrawal(request: Any, slug: str) -> HttpResponse:
    organiser = get_object_or_404(Organiser, slug=slug)
    operations.withdraw_organiser(organiser, by=StaffActor(request.user))
    messages.success(request, f"{organiser} is not on the front page any more.")
    return redirect("platform_organisers")
