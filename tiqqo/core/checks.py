"""Checks that fail the build when a tenant's rows could leak."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from tiqqo.core.models import TenantManager
from tiqqo.core.rls import RowLevelSecurity


def tenant_models() -> list[type[Any]]:
    """Every model with a foreign key to the tenant, however it came by it."""
    return [
        model
        for model in apps.get_models()
        if any(
            field.name == "organiser"
            and field.related_model is not None
            and field.related_model._meta.label == settings.TENANT_MODEL
            for field in model._meta.local_concrete_fields
            if field.is_relation
        )
    ]


@register(Tags.models)
def tenant_models_are_guarded(**kwargs: Any) -> list[CheckMessage]:
    """Declared row-level security and a scoped manager on every tenant model."""
    found: list[CheckMessage] = []
    for model in tenant_models():
        if not any(isinstance(c, RowLevelSecurity) for c in model._meta.constraints):
            found.append(
                Error(
                    f"{model._meta.label} belongs to an organiser and has no row-level security.",
                    hint="Inherit TenantModel, and let its Meta inherit TenantModel.Meta.",
                    obj=model,
                    id="tiqqo.E001",
                )
            )
        if not isinstance(model._default_manager, TenantManager) or not isinstance(
            model._base_manager, TenantManager
        ):
            found.append(
                Error(
                    f"{model._meta.label} can be queried without a tenant scope.",
                    hint="Use TenantManager as `objects` and set base_manager_name.",
                    obj=model,
                    id="tiqqo.E002",
                )
            )
    return found


@register(Tags.database)
def tenant_tables_are_guarded(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Enforced policies in the database itself, and a role that they bind."""
    if not databases or "default" not in databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        exempt = cursor.fetchone()[0]
        cursor.execute(
            "SELECT relname FROM pg_class c WHERE relnamespace = current_schema()::regnamespace"
            " AND relkind = 'r' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid"
            "   AND a.attname = 'organiser_id' AND NOT a.attisdropped)"
            " AND NOT (relrowsecurity AND relforcerowsecurity"
            "   AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)) ORDER BY relname"
        )
        bare = [row[0] for row in cursor.fetchall()]
    found: list[CheckMessage] = []
    if exempt:
        found.append(
            Error(
                "The database role is exempt from row-level security.",
                hint="Connect as a role that is neither superuser nor BYPASSRLS.",
                id="tiqqo.E003",
            )
        )
    found.extend(
        Error(f"Table {table} has no enforced row-level security.", id="tiqqo.E004")
        for table in bare
    )
    return found


@register(Tags.security, deploy=True)
def proxies_are_named(**kwargs: Any) -> list[CheckMessage]:
    """Behind a proxy that ends TLS everybody would be one client."""
    if not settings.SESSION_COOKIE_SECURE or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "BASE_URL is https, so a proxy is in front, and TRUSTED_PROXIES names none.",
            hint="Name the proxy's network, or limits count everybody behind it as one client.",
            id="tiqqo.W001",
        )
    ]
