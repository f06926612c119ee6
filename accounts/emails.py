"""What the mails about an account say; how they look is `tiqqo.ui.emails`."""

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import Invitation
from tiqqo.core.plain_names import name_or
from tiqqo.ui.dates import words_for
from tiqqo.ui.emails import (
    Block,
    Button,
    Code,
    Details,
    Email,
    Note,
    Text,
    address,
    one_line,
)

Context = dict[str, Any]


def invitation_email(invitation: Invitation) -> Email:
    """Somebody is invited to an organiser's team."""
    organiser = invitation.organiser
    # It goes to whatever address somebody typed.
    name = name_or(organiser.slug, organiser.name)
    facts = {
        "by": name_or(name, str(invitation.invited_by or name)),
        "name": name,
        "role": invitation.get_role_display(),
    }
    path = reverse(
        "invitation", kwargs={"organiser_slug": organiser.slug, "secret": invitation.secret}
    )
    return Email(
        subject=one_line(_("%(name)s invites you to Tiqqo") % facts),
        heading=one_line(_("Join %(name)s on Tiqqo") % facts),
        preheader=one_line(_("%(by)s invites you, as %(role)s.") % facts),
        blocks=[
            Text(_("%(by)s invites you to %(name)s on Tiqqo, as %(role)s.") % facts),
            Button(_("Accept invitation"), address(path)),
            Note(
                _("The invitation is good until %(day)s. You did not expect it? Ignore this mail.")
                % {"day": words_for(invitation.expires_at, organiser.time_zone, "date")}
            ),
        ],
        accent=organiser.accent_colour,
        footer=[_("Sent to %(email)s.") % {"email": invitation.email}],
    )


def account_email(template_prefix: str, context: Context) -> Email | None:
    """The email that allauth names by its template; None for one that we have no words for."""
    make = _EMAILS.get(template_prefix.partition("/email/")[2])
    return make(context) if make else None


def foreign_email(subject: str, body: str) -> Email:
    """A mail of allauth's in its own words, in our frame."""
    return Email(
        subject=subject,
        heading=subject,
        blocks=[Note(part) for part in body.split("\n\n") if part.strip()],
    )


def _confirmation(context: Context) -> Email:
    not_you = _("You did not ask for it? Then somebody mistyped an address; ignore this mail.")
    if "code" not in context:
        return _email(
            _("Confirm your address"),
            [
                Text(_("Confirm that this is your address:")),
                Button(_("Confirm address"), context["activate_url"]),
                Note(not_you),
            ],
        )
    return _email(
        _("Confirm your address"),
        _code(context, _("Enter this code in the window where you signed up."), not_you=not_you),
        subject=_("Confirm your address with %(code)s") % context,
    )


def _password_code(context: Context) -> Email:
    return _email(
        _("Choose a new password"),
        _code(
            context,
            _("Enter this code in the window where you asked for a new password."),
            not_you=_("You did not ask for it? Your password is unchanged; ignore this mail."),
        ),
        subject=_("Choose a new password with %(code)s") % context,
    )


def _sign_in_code(context: Context) -> Email:
    return _email(
        _("Sign in"),
        _code(
            context,
            _("Enter this code in the window where you are signing in."),
            not_you=_("You did not ask for it? Ignore this mail; nobody gets in without the code."),
        ),
        subject=_("Sign in with %(code)s") % context,
    )


def _code(context: Context, text: str, *, not_you: str) -> list[Block]:
    return [
        Text(text),
        Code(context["code"]),
        Note(_("It works for a few minutes. %(not_you)s") % {"not_you": not_you}),
    ]


def _password_link(context: Context) -> Email:
    return _email(
        _("Choose a new password"),
        [
            Text(_("Somebody, probably you, asked for a new password for your account.")),
            Button(_("Choose a new password"), context["password_reset_url"]),
            Note(_("You did not ask for it? Your password is unchanged; ignore this mail.")),
        ],
    )


def _known(context: Context) -> Email:
    return _email(
        _("You have an account already"),
        [
            Text(
                _("Somebody, probably you, tried to sign up with %(email)s, which has an account.")
                % context
            ),
            Button(_("Sign in"), address(reverse("account_login"))),
            Note(_("You forgot the password? Choose a new one: %(password_reset_url)s") % context),
        ],
    )


def _unknown(context: Context) -> Email:
    return _email(
        _("There is no account for this address"),
        [
            Text(
                _(
                    "Somebody, probably you, wanted to sign in with %(email)s. No account has this"
                    " address; perhaps yours has another one."
                )
                % context
            ),
            Button(_("Create an account"), context["signup_url"]),
            Note(_("It was not you? Ignore this mail.")),
        ],
    )


def _notice(heading: str) -> Callable[[Context], Email]:
    """What happened to the account, when and from where, and what to do if it was somebody else."""

    def make(context: Context) -> Email:
        rows = [
            (_("When"), words_for(context["timestamp"], "UTC", "datetime", show_zone=True)),
            (_("From"), context["ip"]),
            (_("Browser"), context["user_agent"]),
        ]
        changed = [
            (_("Before"), context.get("from_email") or context.get("deleted_email")),
            (_("Now"), context.get("to_email")),
        ]
        return _email(
            _(heading),  # noqa: INT  marked where it is given
            [
                Details([(label, str(value)) for label, value in (*changed, *rows) if value]),
                Text(_("That was you? Then there is nothing to do.")),
                Text(_("It was not? Choose a new password at once, and see what is signed in.")),
                Button(_("Choose a new password"), address(reverse("account_reset_password"))),
            ],
        )

    return make


def _email(heading: str, blocks: Sequence[Block], *, subject: str = "") -> Email:
    first = next((block.text for block in blocks if isinstance(block, Text)), "")
    return Email(
        subject=one_line(subject or heading), heading=heading, blocks=blocks, preheader=first
    )


_EMAILS: dict[str, Callable[[Context], Email]] = {
    "email_confirmation": _confirmation,
    "email_confirmation_signup": _confirmation,
    "password_reset_code": _password_code,
    "password_reset_key": _password_link,
    "login_code": _sign_in_code,
    "account_already_exists": _known,
    "unknown_account": _unknown,
    "email_confirm": _notice(gettext_noop("Your address is confirmed")),
    "email_changed": _notice(gettext_noop("Your address has changed")),
    "email_deleted": _notice(gettext_noop("An address was removed from your account")),
    "password_changed": _notice(gettext_noop("Your password has changed")),
    "password_set": _notice(gettext_noop("Your account has a password now")),
    "password_reset": _notice(gettext_noop("You have a new password")),
    "totp_activated": _notice(gettext_noop("An authenticator app was added")),
    "totp_deactivated": _notice(gettext_noop("The authenticator app was removed")),
    "recovery_codes_generated": _notice(gettext_noop("There are new recovery codes")),
    "webauthn_added": _notice(gettext_noop("A passkey was added")),
    "webauthn_removed": _notice(gettext_noop("A passkey was removed")),
}
