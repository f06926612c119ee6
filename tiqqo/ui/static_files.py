"""Static files under names that carry a hash of their content, as `collectstatic` lists them."""

import logging
from typing import Any

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import CheckMessage, Error, register
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger(__name__)
HINT = "Run manage.py collectstatic before web is started; bin/upgrade does."


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """A page that asks for a file which the manifest does not list is shown nevertheless.

    The file's plain name stands in it then, without a hash. Such a page may look odd, a page that
    answers 500 sells nothing.
    """

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The name with its hash; without one where the manifest is missing or older than the code."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            if name not in _told:
                _told.add(name)
                logger.error("static.not_collected", extra={"file": name, "hint": HINT})
            return name
        return stored


_told: set[str] = set()


def warn_without_manifest() -> None:
    """A process that starts without a manifest says so at once, not with its first visitor."""
    if manifest() == {}:
        logger.error("static.manifest_missing", extra={"hint": HINT})


def manifest() -> dict[str, str] | None:
    """Each collected file's name with its hash; None where names carry none, as on a developer's
    machine and in tests."""
    # An attribute of what the lazy object stands for.
    listed: dict[str, str] | None = getattr(staticfiles_storage, "hashed_files", None)
    return listed


def manifest_lists_every_file(**kwargs: Any) -> list[CheckMessage]:
    """`check --deploy` fails while files of this code were not collected."""
    listed = manifest()
    if listed is None:
        return []
    if not listed:
        return [Error("Static files were not collected.", hint=HINT, id="tiqqo.E005")]
    missing = sorted(
        name
        for finder in get_finders()
        for path, storage in finder.list(_ignored())
        if (name := _below(getattr(storage, "prefix", None), path)) not in listed
    )
    if not missing:
        return []
    return [
        Error(
            f"{len(missing)} static files were not collected, such as {missing[0]}.",
            hint=HINT,
            id="tiqqo.E006",
        )
    ]


def _below(prefix: str | None, path: str) -> str:
    """The name under which collectstatic writes what a finder found."""
    return f"{prefix}/{path}" if prefix else path


def _ignored() -> list[str]:
    """What collectstatic leaves out as well."""
    from django.apps import apps

    patterns: list[str] = getattr(apps.get_app_config("staticfiles"), "ignore_patterns", [])
    return patterns


def register_checks() -> None:
    """The check is part of `check --deploy`."""
    register(manifest_lists_every_file, "staticfiles", deploy=True)
