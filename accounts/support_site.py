"""A read-only support tool for platform staff; signing in goes through allauth, second factor included.

What is read-only is the site, not each model: whatever an app registers, third-party apps included, loses
its adding, changing, deleting and actions on the way in, and no secret of it is shown, sorted or filtered by.
"""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

# Names of fields, of our models and of others, that let whoever knows them in: hashes, too.
SECRETS = frozenset(
    {"password", "secret", "key", "data", "session", "session_key", "session_data", "token"}
)


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Stands before what an app brings, so that its word counts."""

    actions = None
    list_editable = ()

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_inline_instances(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return []

    def get_list_display(self, request: HttpRequest) -> Any:
        return [name for name in super().get_list_display(request) if name not in SECRETS]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(super().get_exclude(request, obj) or ()), *SECRETS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All that may be seen: no form is made, so none of its widgets can fail."""
        hidden = {*self.get_exclude(request, obj)}
        fields = (*self.model._meta.fields, *self.model._meta.many_to_many)
        shown = [field.name for field in fields if field.editable]
        named = [*super().get_readonly_fields(request, obj), *shown]
        return [name for name in dict.fromkeys(named) if name not in hidden]

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Those that there are: what an app takes for granted of a user need not be."""
        return [path for path in super().get_search_fields(request) if _is_open(self.model, path)]

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """No secret is guessed letter by letter in the address of a list."""
        return _is_open(self.model, lookup) and super().lookup_allowed(lookup, value, request)


def _is_open(model: type[Model], path: str) -> bool:
    """Whether the path begins with a field that there is, and leads over no secret."""
    parts = path.lstrip("^=@").split("__")
    if not SECRETS.isdisjoint(parts):
        return False
    is_relation = True
    for part in parts:
        if part == "pk":
            return True
        try:
            field = model._meta.get_field(part)
        except FieldDoesNotExist:
            # Of a column, the rest is how it is compared.
            return not is_relation
        is_relation = field.is_relation
        model = field.related_model if is_relation else model  # type: ignore[assignment]
    return True


class SupportSite(admin.AdminSite):
    """Reads, and takes nothing in: besides signing out, no page of it accepts a POST."""

    site_header = "Tiqqo support"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        theirs = admin_class or admin.ModelAdmin
        is_read_only = issubclass(theirs, ReadOnly)
        ours = theirs if is_read_only else type(theirs.__name__, (ReadOnly, theirs), {})
        super().register(model_or_iterable, ours, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        guarded = super().admin_view(view, cacheable)
        return guarded if view == self.logout else require_safe(guarded)

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")
