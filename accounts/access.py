"""The edges of the dashboard and the public site: who is asking, whose rows are these?

A stranger to an organiser gets 404, a member without the power 403. Every dashboard view is wrapped
by `member_view`, which also marks it, so that a test can refuse a view that forgot.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseBase
from django.views.decorators.cache import never_cache

from accounts.models import Membership
from accounts.permissions import Permission
from accounts.queries import public_organiser_or_404
from tiqqo.core.language import in_readers_language, suggest_language
from tiqqo.core.tenancy import tenant_scope, user_scope

View = Callable[..., HttpResponseBase]


def membership_of(user_id: int, organiser_slug: str) -> Membership:
    """The user's membership with its organiser loaded, or Http404."""
    with user_scope(user_id):
        member: Membership | None = (
            Membership.objects.select_related("organiser")
            .filter(user_id=user_id, organiser__slug=organiser_slug)
            .first()
        )
    if member is None:
        raise Http404
    return member


def member_view(permission: Permission) -> Callable[[View], View]:
    """The view runs in its organiser's scope for a member with `permission`."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def guarded(
            request: Any, organiser_slug: str, *args: Any, **kwargs: Any
        ) -> HttpResponseBase:
            member = membership_of(request.user.pk, organiser_slug)
            member.user = request.user
            # Known before it is refused, so that a refusal has a trace of whose it was.
            request.member = member
            member.require(permission)
            with tenant_scope(member.organiser):
                return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def staff_view(view: View) -> View:
    """The view is for platform staff; for others there is nothing here."""

    @never_cache
    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise Http404
        response = view(request, *args, **kwargs)
        response["X-Robots-Tag"] = "noindex"
        return response

    guarded.audience = "platform staff"  # type: ignore[attr-defined]
    return guarded


def public_view(view: View) -> View:
    """The view runs in the scope of the organiser that its address names, for anybody, and speaks
    their language."""

    @in_readers_language
    @wraps(view)
    def scoped(request: Any, organiser_slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.organiser = public_organiser_or_404(organiser_slug)
        suggest_language(request, request.organiser.language)
        with tenant_scope(request.organiser):
            return view(request, *args, **kwargs)

    scoped.is_public = True  # type: ignore[attr-defined]
    return scoped
