"""Users, organisers (the tenants) and who belongs to which."""

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, Role, may
from tiqqo.core import clock
from tiqqo.core.errors import NotPermitted
from tiqqo.core.models import TenantManager, TenantModel
from tiqqo.core.rls import RowLevelSecurity

INVITATION_LASTS = timedelta(days=14)

# First path segments of the public site; an organiser's slug must not shadow one.
RESERVED_SLUGS = frozenset(
    "about accounts admin api dev door healthz help home legal media my o platform readyz static"
    " styleguide ui webhooks welcome".split()
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
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


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
    secret = models.CharField(max_length=32)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

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
        return (
            self.accepted_at is None and self.revoked_at is None and self.expires_at > clock.now()
        )
