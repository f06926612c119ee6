"""The variables that configure Tiqqo."""

import os
from collections.abc import Mapping

# docs/operations.md says what each is for.
NAMES = {
    "ALLOWED_HOSTS",
    "BACKUP_DATABASE_URL",
    "BASE_URL",
    "DATABASE_LOCK_TIMEOUT_MS",
    "DATABASE_POOL",
    "DATABASE_POOL_SIZE",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "ENCRYPTION_KEYS",
    "LOG_LEVEL",
    "MAIL_FROM",
    "MAIL_VIEWER",
    "LIMITS",
    "MEDIA_ROOT",
    "OWNER_DATABASE_URL",
    "POSTGRES_PROGRAMS",
    "REDIS_URL",
    "RESTART_COMMAND",
    "SECRET_KEY",
    "SECURE_SSL_REDIRECT",
    "STATIC_ROOT",
    "STATUS_TOKEN",
    "TIQQO_TEST",
    "TIQQO_VERSION",
    "TRUSTED_PROXIES",
    "VAR_DIR",
    "WEB_THREADS",
    "WORKER_LOCK_TIMEOUT_MS",
}
PREFIXES = ("ANYMAIL_", "CELERY_", "EMAIL_", "GRANIAN_", "PG", "SERVICE_FEE_", "STRIPE_")


def isolated_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The caller's environment, or another, without anything that would configure Tiqqo."""
    return {
        name: value
        for name, value in environment.items()
        if name not in NAMES and not name.startswith(PREFIXES)
    }
