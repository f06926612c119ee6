"""Databases that live as long as a check, beside the one that DATABASE_URL names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ADDRESSES = ("DATABASE_URL", "OWNER_DATABASE_URL", "BACKUP_DATABASE_URL")


def database_beside(address: str, name: str) -> str:
    """The address of another database of the same server, for the same role."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def addresses_beside(name: str) -> dict[str, str]:
    """The variables that name another database of the same server, for each of its roles."""
    return {
        variable: database_beside(os.environ[variable], name)
        for variable in ADDRESSES
        if os.environ.get(variable)
    }


@contextmanager
def scratch_database(name: str) -> Iterator[dict[str, str]]:
    """The addresses of an empty database, which is gone afterwards.

    Its owner, of OWNER_DATABASE_URL, must be allowed to make one.
    """
    address = os.environ.get("OWNER_DATABASE_URL") or os.environ["DATABASE_URL"]
    quoted = sql.Identifier(name)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted)
    with psycopg.connect(address, autocommit=True) as administration:
        administration.execute(drop)
        administration.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        try:
            yield addresses_beside(name)
        finally:
            administration.execute(drop)
