"""Users, organisers (the tenants) and who belongs to which."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, Role, may
from tiqqo.core import clock
from tiqqo.core.errors import NotPermitted
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.rls import RowLevelSecurity
from tiqqo.core.sealed import SealedCharField

INVITATION_LASTS = timedelta(days=14)

# First path segments of the public site; an organiser's slug must not shadow one.
RESERVED_SLUGS = frozenset(
    "about accounts admin api dev door healthz help home legal media my o platform readyz static"
    " status styleguide ui webhooks welcome".split()
)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. One user may work for several organisers."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("your name"), max_length=120)
    is_active = models.BooleanField(default=True)
    # Platform staff; says nothing about any organiser.
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=clock.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_the_case")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name


class Organiser(models.Model):
    """The tenant: a workspace that owns everything below it."""

    name = models.CharField(_("name of your organisation"), max_length=80)
    slug = models.SlugField(
        _("web address"),
        max_length=60,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*$")],
    )
    country = models.CharField(_("country"), max_length=2, default="NL")
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam")
    # Of its public page, and what new events begin with.
    language = models.CharField(_("language"), max_length=10, default="en")
    support_email = models.EmailField(_("support e-mail"), blank=True)
    accent_colour = models.CharField(_("accent colour"), max_length=7, default="#1f4f46")
    logo = models.ImageField(upload_to="public/organisers/", blank=True)
    # Privacy notice and terms: an address of the organiser's own site, or a text that we show.
    privacy_url = models.URLField(
        _("privacy notice: address"), blank=True, default="", db_default=""
    )
    privacy_text = models.TextField(
        _("privacy notice: text"), blank=True, default="", db_default=""
    )
    terms_url = models.URLField(_("terms: address"), blank=True, default="", db_default="")
    terms_text = models.TextField(_("terms: text"), blank=True, default="", db_default="")
    # Platform staff put its events on the front page. Those that were there before this was asked count
    # as released: the database's default, for rows that the code does not make.
    released_at = models.DateTimeField(null=True, default=None, db_default=Now(), editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def has_terms(self) -> bool:
        return bool(self.terms_url or self.terms_text)

    @property
    def has_own_privacy_notice(self) -> bool:
        """Otherwise a short default text is shown."""
        return bool(self.privacy_url or self.privacy_text)


class Membership(models.Model):
    """A user's role with one organiser."""

    organiser = models.ForeignKey(Organiser, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"
        constraints: ClassVar = [
            RowLevelSecurity(name="accounts_membership_tenant", also_user="user_id"),
            models.UniqueConstraint(fields=["organiser", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    def may(self, permission: Permission) -> bool:
        return may(self.role, permission)

    def require(self, permission: Permission) -> None:
        """Raises NotPermitted unless the role allows it."""
        if not self.may(permission):
            raise NotPermitted

    @property
    def role_label(self) -> str:
        return str(Role(self.role).label)

    @property
    def actor_user_id(self) -> int | None:
        return self.user_id

    @property
    def actor_label(self) -> str:
        return str(self.user)


class Invitation(TenantModel):
    """A mail that offers a role. Its link carries the secret."""

    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=20, choices=Role)
    secret = SealedCharField(max_length=32)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Of its mail: how often it was tried, when the next try is due, and what went wrong.
    mail_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    mail_due_at = models.DateTimeField(null=True)
    mail_error = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            *TenantModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["organiser", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.get_role_display()}"

    @property
    def is_open(self) -> bool:
        """Whether its link works."""
        return (
            self.accepted_at is None and self.revoked_at is None and self.expires_at > clock.now()
        )


class AccountMailQuerySet(models.QuerySet["AccountMail"]):
    def waiting(self) -> "AccountMailQuerySet":
        """Neither sent nor given up."""
        return self.filter(sent_at=None, given_up_at=None)

    def due(self, *, at: datetime) -> "AccountMailQuerySet":
        """Waiting, and to be tried now."""
        return self.waiting().filter(due_at__lte=at)


class AccountMail(models.Model):
    """A mail about somebody's account, from the request that asked for it until a mail server has it.

    No tenant's row: an account belongs to no organiser. Subject and bodies may hold a code that signs
    in, so they are emptied once the mail is sent or given up.
    """

    kind = models.CharField(max_length=60)
    to = models.EmailField()
    subject = models.TextField(blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)
    # After this there is no use in sending it: its code is over.
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True)

    objects = AccountMailQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at=None, given_up_at=None),
                name="account_mail_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
