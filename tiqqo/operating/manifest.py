"""`manifest.json` of a backup: what it holds, so that a restore can tell whether all of it came back."""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from tiqqo.operating.errors import Stopped

NAME = "manifest.json"
FORMAT = 1
DATABASE = "database.dump"
MEDIA = "media.tar"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    format: int
    made_at: str
    version: str
    """Of the code, with its commit where that is known."""
    postgresql: str
    migrations: list[str]
    """`app.name` of each migration that was applied."""
    rows: dict[str, int]
    """By table."""
    media_files: int
    secret_key: str
    """A fingerprint: see `fingerprint`."""
    files: dict[str, str]
    """The SHA-256 of each file of the backup, by its name."""
    encryption_keys: list[str] = field(default_factory=list)
    """The ids of the keys that sealed anything in it. They tell which, and nothing about them."""

    def write(self, folder: Path) -> None:
        """The folder has its manifest, and it is on the disk."""
        with (folder / NAME).open("w") as out:
            json.dump(asdict(self), out, indent=2, sort_keys=True)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The folder's manifest. Raises Stopped if there is none or it is of another format."""
        try:
            content = json.loads((folder / NAME).read_text())
        except FileNotFoundError:
            raise Stopped(
                f"{folder} is no backup: it has no {NAME}. Name the folder that bin/backup made."
            ) from None
        except (OSError, ValueError) as error:
            raise Stopped(f"{folder / NAME} cannot be read: {error}") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise Stopped(
                f"{folder} is a backup of another format: restore it with the code that made it."
            )
        try:
            return cls(**content)
        except TypeError as error:
            raise Stopped(f"{folder / NAME} is not complete: {error}") from None


def verify(manifest: Manifest, folder: Path) -> None:
    """Every file is as it was written. Raises Stopped and names what is not."""
    problems = []
    for name in sorted({DATABASE, MEDIA} | set(manifest.files)):
        wanted, path = manifest.files.get(name), folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif wanted is None:
            problems.append(f"{name} is not in the manifest")
        elif sha256(path) != wanted:
            problems.append(f"{name} is not as it was written")
    if problems:
        raise Stopped(
            f"{folder} is damaged: {', '.join(problems)}. Nothing was changed; take another backup."
        )


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(secret_key: str, *, salt: str | None = None) -> str:
    """Tells whether it is this key, and nothing about the key: slow to try, and salted."""
    salt = salt or secrets.token_hex(16)
    digest = hashlib.scrypt(
        secret_key.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=16
    )
    return f"{salt}:{digest.hex()}"


def is_of_key(known: str, secret_key: str) -> bool:
    """Whether the fingerprint is of this key."""
    return fingerprint(secret_key, salt=known.partition(":")[0]) == known


def code_version(root: Path, environment: Mapping[str, str] = os.environ) -> str:
    """What the code is: the image's version, else the commit of a clone, else unknown."""
    if environment.get("TIQQO_VERSION"):
        return environment["TIQQO_VERSION"]
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            commit, _, reference = line.partition(" ")
            if reference == name:
                return commit
    except OSError:
        pass
    return "unknown"
