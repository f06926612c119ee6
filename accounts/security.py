"""Reads of the security log: what an organiser may see of it, and the platform's whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Organiser
from tiqqo.core.models import SecurityEntry, SecurityKind
from tiqqo.core.paging import page_after
from tiqqo.core.security_log import DEEDS
from tiqqo.core.tenancy import platform_scope

# What is done to an account, which belongs to no organiser: its organisers see it of their team.
ACCOUNT_KINDS = (
    SecurityKind.SIGN_IN,
    SecurityKind.SIGN_IN_NEW_PLACE,
    SecurityKind.SIGN_IN_FAILED,
    SecurityKind.LOCKED_OUT,
    SecurityKind.SECOND_FACTOR_FAILED,
    SecurityKind.PASSWORD_CHANGED,
    SecurityKind.SECOND_FACTOR_CHANGED,
    SecurityKind.EMAIL_CHANGED,
)
# The groups to filter by.
TOPICS: dict[str, tuple[Promise, tuple[SecurityKind, ...]]] = {
    "sign-ins": (_("Sign-ins"), (SecurityKind.SIGN_IN, SecurityKind.SIGN_IN_NEW_PLACE)),
    "failures": (
        _("Turned away"),
        tuple(kind for kind in SecurityKind if kind not in DEEDS),
    ),
    "accounts": (
        _("Passwords and second factors"),
        (
            SecurityKind.PASSWORD_CHANGED,
            SecurityKind.SECOND_FACTOR_CHANGED,
            SecurityKind.EMAIL_CHANGED,
        ),
    ),
    "exports": (_("Exports"), (SecurityKind.EXPORT,)),
    "team": (
        _("Team"),
        (
            SecurityKind.INVITED,
            SecurityKind.INVITATION_REVOKED,
            SecurityKind.JOINED,
            SecurityKind.ROLE_CHANGED,
            SecurityKind.REMOVED,
        ),
    ),
    "support": (_("Support tool"), (SecurityKind.ADMIN_VIEW,)),
}
ORGANISER_TOPICS = ("sign-ins", "failures", "accounts", "exports", "team")


@dataclass(frozen=True, slots=True)
class SecurityRow:
    """One row as it is shown."""

    entry: SecurityEntry
    who: str
    organiser: str
    details: tuple[str, ...]

    @property
    def tone(self) -> str:
        """How its kind looks; the word says what it is."""
        if self.entry.kind == SecurityKind.SIGN_IN_NEW_PLACE:
            return "caution"
        return "neutral" if self.entry.kind in DEEDS else "negative"


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """Newest first; `next_id` continues after its last, 0 on the last page."""

    rows: list[SecurityRow] = field(default_factory=list)
    next_id: int = 0


def organiser_security(organiser: Organiser, *, topic: str = "", after: int = 0) -> SecurityPage:
    """What is the organiser's own, and what was done to the accounts of its team since they joined.

    Accounts are the platform's rows, so this is read in its scope: the two conditions below are what keeps
    other organisers' rows out.
    """
    with platform_scope("show an organiser what was done to the accounts of its team"):
        # Whoever left keeps no row here that is younger than their membership, because it is gone.
        is_of_team = Membership.objects.filter(
            organiser=organiser, user_id=OuterRef("user_id"), created_at__lte=OuterRef("last_at")
        )
        rows = SecurityEntry.objects.filter(
            Q(organiser=organiser)
            | Q(Exists(is_of_team), organiser=None, kind__in=[kind.value for kind in ACCOUNT_KINDS])
        )
        return _page(rows, topic, after)


def platform_security(*, topic: str = "", after: int = 0) -> SecurityPage:
    """Everybody's."""
    with platform_scope("show platform staff the security log"):
        return _page(SecurityEntry.objects.all(), topic, after)


def _page(rows: QuerySet[SecurityEntry], topic: str, after: int) -> SecurityPage:
    if topic in TOPICS:
        rows = rows.filter(kind__in=[kind.value for kind in TOPICS[topic][1]])
    rows = rows.select_related("user", "organiser")
    page = page_after(rows, ["-pk"], {"pk": after} if after else None)
    return SecurityPage([_shown(entry) for entry in page.rows], page.next_id)


def _shown(entry: SecurityEntry) -> SecurityRow:
    return SecurityRow(
        entry=entry,
        who=str(entry.user) if entry.user else "",
        organiser=entry.organiser.name if entry.organiser else "",
        details=tuple(_details(entry)),
    )


def _details(entry: SecurityEntry) -> Sequence[str]:
    said: dict[str, Any] = entry.facts
    words = [f"{name}: {value}" for name, value in said.items() if value not in ("", None)]
    if len(entry.email_hashes) > 1:
        words.append(str(_("%(count)s addresses tried")) % {"count": len(entry.email_hashes)})
    return words
