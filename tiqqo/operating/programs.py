"""PostgreSQL's client programs: where they are, and how they are called."""

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit, urlunsplit

from tiqqo.operating.errors import Stopped


def program(name: str) -> Path:
    """Where pg_dump or pg_restore is: in the folder that POSTGRES_PROGRAMS names, else on the path."""
    folder = os.environ.get("POSTGRES_PROGRAMS")
    found = shutil.which(name, path=folder) if folder else shutil.which(name)
    if found is None:
        raise Stopped(
            f"There is no {name} in {folder}: POSTGRES_PROGRAMS must name the folder that holds it."
            if folder
            else f"There is no {name} on this machine: install PostgreSQL's client programs, or name "
            "their folder in POSTGRES_PROGRAMS."
        )
    return Path(found)


def check_version(name: str, server_version: int) -> None:
    """The program is as new as the server, whose version is given as PostgreSQL numbers it (180001).

    pg_dump refuses a newer server itself, but after the backup has begun.
    """
    said = subprocess.run(
        [program(name), "--version"], capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"(\d+)(\.\d+)?", said)
    if found is None:
        raise Stopped(f"{program(name)} does not tell its version.")
    if int(found[1]) < server_version // 10_000:
        raise Stopped(
            f"{program(name)} is of PostgreSQL {found[1]}, the server is {server_version // 10_000}: "
            "install the client programs of that version, and name their folder in POSTGRES_PROGRAMS."
        )


def run(name: str, *arguments: str, address: str) -> str:
    """What the program says when it has succeeded. Raises Stopped with what it complained about."""
    clean, password = without_password(address)
    done = subprocess.run(
        [program(name), f"--dbname={clean}", "--no-password", *arguments],
        # The list of processes shows arguments to everybody, the environment to nobody else.
        env={**os.environ, **({"PGPASSWORD": password} if password else {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise Stopped(f"{name} failed:\n{done.stderr.strip()}")
    return done.stdout


def listing(dump: Path) -> list[str]:
    """The table of contents of a dump, one entry a line."""
    done = subprocess.run(
        [program("pg_restore"), "--list", dump],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Stopped(f"pg_restore cannot read {dump}:\n{done.stderr.strip()}")
    return done.stdout.splitlines()


def replay(dump: Path, *, entries: list[str], before: str, after: str, address: str) -> None:
    """These entries of the dump are in the database, between two statements, all in one transaction.

    Raises Stopped when anything failed, and then nothing has changed.
    """
    clean, password = without_password(address)
    with (
        tempfile.NamedTemporaryFile("w", prefix="tiqqo-restore-") as chosen,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as complaints,
    ):
        chosen.write("\n".join(entries) + "\n")
        chosen.flush()
        writes = subprocess.Popen(
            [
                program("pg_restore"),
                "--no-owner",
                "--no-privileges",
                f"--use-list={chosen.name}",
                "--file=-",
                dump,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        reads = subprocess.Popen(
            [
                program("psql"),
                f"--dbname={clean}",
                "--no-password",
                "--no-psqlrc",
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--file=-",
            ],
            env={**os.environ, **({"PGPASSWORD": password} if password else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        assert writes.stdout and reads.stdin
        with suppress(BrokenPipeError):
            reads.stdin.write(f"BEGIN;\n{before}\n".encode())
            shutil.copyfileobj(writes.stdout, reads.stdin)
            # Without its COMMIT, which only a complete dump gets, the transaction ends in nothing.
            if writes.wait() == 0:
                reads.stdin.write(f"\n{after}\nCOMMIT;\n".encode())
        with suppress(BrokenPipeError):
            reads.stdin.close()
        writes.stdout.close()
        if (writes.wait(), reads.wait()) != (0, 0):
            raise Stopped(
                "Nothing was restored, the database is as it was. PostgreSQL said:\n"
                + "".join(_content(file) for file in (said, complaints)).strip()
            )


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def without_password(address: str) -> tuple[str, str | None]:
    """The address without its password, and the password."""
    parts = urlsplit(address)
    if parts.password is None:
        return address, None
    account, _, place = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{place}")), unquote(parts.password)
