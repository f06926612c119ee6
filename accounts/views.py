"""Ways in, team, organiser settings."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import operations
from accounts.access import member_view, public_view
from accounts.errors import InvitationClosed
from accounts.forms import InvitationForm, OrganiserForm, OrganiserNameForm, RoleForm
from accounts.models import Invitation, Membership
from accounts.navigation import render_dashboard
from accounts.permissions import ROLE_HINTS, Permission, Role
from accounts.queries import memberships_of, open_invitations, team_of
from tiqqo.core.language import in_english
from tiqqo.core.limits import Limit
from tiqqo.ui.forms import refusals

# Each has a web address for good, and invitations of its own. Whoever leaves one may found the next.
FOUNDINGS = Limit("organisers", count=5, seconds=86_400)


@login_required
@require_GET
def home(request: Any) -> HttpResponse:
    """Where somebody belongs after signing in: their organiser, the door, or the way to found one."""
    memberships = memberships_of(request.user)
    if not memberships:
        return redirect("welcome")
    if all(member.role == Role.SCANNER for member in memberships):
        return redirect("door:home")
    first = next(member for member in memberships if member.role != Role.SCANNER)
    return redirect("dashboard:home", organiser_slug=first.organiser.slug)


@login_required
@require_http_methods(["GET", "POST"])
def welcome(request: Any) -> HttpResponse:
    """The last steps of sign-up: an organiser, if there is none, then the first event."""
    memberships = memberships_of(request.user)
    if memberships:
        return redirect("events:first", organiser_slug=memberships[0].organiser.slug)
    form = OrganiserNameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        FOUNDINGS.spend(request.user.email)
        organiser = operations.found_organiser(name=form.cleaned_data["name"], owner=request.user)
        return redirect("events:first", organiser_slug=organiser.slug)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/welcome.html", {"form": form}, status=status)


@member_view(Permission.MANAGE_ORGANISER)
@require_http_methods(["GET", "POST"])
def settings(request: Any) -> HttpResponse:
    organiser = request.member.organiser
    form = OrganiserForm(
        request.POST or None,
        request.FILES or None,
        initial=OrganiserForm.initial_of(organiser),
    )
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_organiser(organiser, by=request.member, **form.changes)
            messages.success(request, _("Settings saved."))
            return redirect("accounts:settings", organiser_slug=organiser.slug)
    return render_dashboard(
        request,
        "accounts/settings.html",
        {"form": form},
        current="accounts:settings",
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.MANAGE_TEAM)
@require_http_methods(["GET", "POST"])
def team(request: Any) -> HttpResponse:
    organiser = request.member.organiser
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            invitation = operations.invite_member(
                organiser,
                email=form.cleaned_data["email"],
                role=Role(form.cleaned_data["role"]),
                by=request.member,
            )
            messages.success(
                request,
                _("An invitation is on its way to %(email)s.") % {"email": invitation.email},
            )
            return redirect("accounts:team", organiser_slug=organiser.slug)
    return render_dashboard(
        request,
        "accounts/team.html",
        {
            "form": form,
            "team": team_of(organiser),
            "invitations": open_invitations(organiser),
            "roles": [(role.label, ROLE_HINTS[role]) for role in Role],
        },
        current="accounts:team",
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.MANAGE_TEAM)
@require_http_methods(["GET", "POST"])
def membership(request: Any, membership_id: int) -> HttpResponse:
    """One member: their role."""
    organiser = request.member.organiser
    member = get_object_or_404(team_of(organiser), pk=membership_id)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        with refusals(form):
            operations.change_role(member, role=Role(form.cleaned_data["role"]), by=request.member)
            messages.success(request, _("Role changed."))
            return redirect("accounts:team", organiser_slug=organiser.slug)
    return render_dashboard(
        request,
        "accounts/membership.html",
        {"form": form, "person": member},
        current="accounts:team",
        status=422 if form.is_bound else 200,
    )


@member_view(Permission.MANAGE_TEAM)
@require_POST
def membership_removal(request: Any, membership_id: int) -> HttpResponse:
    organiser = request.member.organiser
    member = get_object_or_404(team_of(organiser), pk=membership_id)
    operations.remove_member(member, by=request.member)
    messages.success(request, _("%(name)s is no longer in the team.") % {"name": member.user})
    return redirect("accounts:team", organiser_slug=organiser.slug)


@member_view(Permission.MANAGE_TEAM)
@require_POST
def invitation_revocation(request: Any, invitation_id: int) -> HttpResponse:
    organiser = request.member.organiser
    invitation = get_object_or_404(open_invitations(organiser), pk=invitation_id)
    operations.revoke_invitation(invitation, by=request.member)
    messages.success(request, _("The invitation was withdrawn."))
    return redirect("accounts:team", organiser_slug=organiser.slug)


@in_english
@public_view
@require_http_methods(["GET", "POST"])
def invitation(request: Any, secret: str) -> HttpResponse:
    """The page behind an invitation's link. Who is not signed in signs in or up first."""
    invitation = (
        Invitation.objects.select_related("organiser", "invited_by").filter(secret=secret).first()
    )
    if invitation is None or (not invitation.is_open and request.method == "POST"):
        raise InvitationClosed
    if request.method == "POST" and request.user.is_authenticated:
        operations.accept_invitation(invitation, user=request.user, secret=secret)
        return redirect("home")
    already = (
        request.user.is_authenticated and Membership.objects.filter(user=request.user).exists()
    )
    return render(
        request, "accounts/invitation.html", {"invitation": invitation, "already": already}
    )
