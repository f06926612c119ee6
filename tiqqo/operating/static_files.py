"""Static files of earlier releases: kept while pages of theirs may still be open, then removed."""

import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

MANIFEST = "staticfiles.json"
EARLIER = "manifests"
KEPT_MANIFESTS = 3
KEPT_DAYS = 30
COMPRESSED = ("", ".gz", ".br")


def remember_manifest(static_root: Path) -> None:
    """The manifest that is in force is kept under the time it was made."""
    manifest = static_root / MANIFEST
    if not manifest.is_file():
        return
    earlier = static_root / EARLIER
    earlier.mkdir(exist_ok=True)
    made_at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(manifest.stat().st_mtime))
    kept = earlier / f"{made_at}.json"
    if not kept.exists():
        shutil.copy2(manifest, kept)


def remove_outdated(static_root: Path, *, now: float | None = None) -> list[str]:
    """Files with a hash in their name that no page can still ask for are gone; which.

    Kept is what one of the last three manifests lists, or one that was made in the last thirty days,
    and whatever was written in that time. A file without a hash in its name is never removed.
    """
    since = (now or time.time()) - KEPT_DAYS * 24 * 3600
    earlier = sorted((static_root / EARLIER).glob("*.json"))
    outdated = [path for path in earlier[:-KEPT_MANIFESTS] if path.stat().st_mtime < since]
    kept = _files(static_root, {static_root / MANIFEST, *earlier} - set(outdated))
    removed = []
    for name in sorted(_files(static_root, outdated) - kept):
        for ending in COMPRESSED:
            path = static_root / f"{name}{ending}"
            if path.is_file() and path.stat().st_mtime < since:
                path.unlink()
                removed.append(f"{name}{ending}")
    for path in outdated:
        path.unlink()
    return removed


def _files(static_root: Path, manifests: Iterable[Path]) -> set[str]:
    """The files with hashes that these manifests list."""
    names: set[str] = set()
    for manifest in manifests:
        if manifest.is_file():
            listed: dict[str, str] = json.loads(manifest.read_text())["paths"]
            names |= {hashed for plain, hashed in listed.items() if hashed != plain}
    return names
