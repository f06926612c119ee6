"""Checks that fail the build when a tenant's rows could leak."""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from tiqqo.core.models import TenantManager
from tiqqo.core.postgres.roles import excess_of_application
from tiqqo.core.postgres.tenant_keys import keys_without_companion
from tiqqo.core.rls import RowLevelSecurity
from tiqqo.core.sealed import known_keys
from tiqqo.core.sealing import CLEAR, keys_in_use, sealed_fields


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
    check_messages: list[CheckMessage] = []
    for model in tenant_models():
        if not any(isinstance(c, RowLevelSecurity) for c in model._meta.constraints):
            check_messages.append(
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
            check_messages.append(
                Error(
                    f"{model._meta.label} can be queried without a tenant scope.",
                    hint="Use TenantManager as `objects` and set base_manager_name.",
                    obj=model,
                    id="tiqqo.E002",
                )
            )
    return check_messages


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
    check_messages: list[CheckMessage] = []
    if exempt:
        check_messages.append(
            Error(
                "The database role is exempt from row-level security.",
                hint="Connect as a role that is neither superuser nor BYPASSRLS.",
                id="tiqqo.E003",
            )
        )
    check_messages.extend(
        Error(f"Table {table} has no enforced row-level security.", id="tiqqo.E004")
        for table in bare
    )
    check_messages.extend(
        checks.Warning(
            f"{problem}: whoever smuggles in a statement may empty tables and lift policies.",
            hint="Make a role for the application and one for migrations: *Roles* in"
            " docs/operations.md.",
            id="tiqqo.W005",
        )
        for problem in excess_of_application(connection)
    )
    # No error, or `migrate`, which checks first, could not mend it.
    unguarded = [str(key) for key in keys_without_companion(connection)]
    if unguarded:
        check_messages.append(
            checks.Warning(
                f"Foreign keys that would take a row of another organiser: {', '.join(unguarded)}.",
                hint="`manage.py migrate` makes the keys that compare organisers.",
                id="tiqqo.W006",
            )
        )
    return check_messages


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


@register(Tags.security, deploy=True)
def secrets_are_sealed(**kwargs: Any) -> list[CheckMessage]:
    """Whoever reads the database, or a copy of it, must not have the secrets with it."""
    if settings.ENCRYPTION_KEYS:
        return []
    return [
        checks.Warning(
            "ENCRYPTION_KEYS is not set: keys that sign tickets, second factors and secret links stand in"
            " clear in the database and in every backup.",
            hint="*Encryption keys* in docs/operations.md.",
            id="tiqqo.W007",
        )
    ]


@register(Tags.database)
def sealed_secrets_can_be_read(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each key that sealed anything is one of ENCRYPTION_KEYS, and nothing was left in clear."""
    if not databases or "default" not in databases or not _has_tables():
        return []
    known = {key.id for key in known_keys()}
    check_messages: list[CheckMessage] = []
    in_clear = 0
    for (place, key), count in sorted(keys_in_use().items()):
        if key == CLEAR:
            in_clear += count
        elif key not in known:
            check_messages.append(
                Error(
                    f"{place}: {count} are sealed with the key {key}, which ENCRYPTION_KEYS lacks.",
                    hint="Set the key that was used until now, behind the current one.",
                    id="tiqqo.E008",
                )
            )
    if known and in_clear:
        check_messages.append(
            checks.Warning(
                f"{in_clear} secrets stand in clear in the database.",
                hint="`manage.py seal_secrets`, once no process of the release before runs.",
                id="tiqqo.W009",
            )
        )
    return check_messages


def _has_tables() -> bool:
    """False before the first `migrate`, which checks as well."""
    there = set(connection.introspection.table_names())
    return all(field.model._meta.db_table in there for field in sealed_fields())
