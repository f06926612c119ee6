"""Small things kept in var/ between runs."""

import os
import secrets
from pathlib import Path

MAX_LOG_BYTES = 10_000_000


def remembered_secret(path: Path, *, prefix: str = "") -> str:
    """The secret in the file, made on first use; only its owner can read the file."""
    if not path.exists():
        write_private(path, prefix + secrets.token_hex(32))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """The file holds the text, whole, and only its owner can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as out:
        out.write(text)
    unfinished.replace(path)


def log_file(path: Path) -> int:
    """A descriptor that appends to the log; a large log starts anew and leaves one copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def last_lines(path: Path, count: int = 15, *, since: int = 0) -> str:
    """The end of a log, for an error message."""
    try:
        with path.open("rb") as log:
            log.seek(since)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
