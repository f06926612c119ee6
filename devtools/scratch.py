"""Databases that live as long as a check, beside the one that DATABASE_URL names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def database_beside(address: str, name: str) -> str:
    """The address of another database of the same server, for the same role."""
    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


@contextmanager
def scratch_database(name: str) -> Iterator[str]:
    """The address of an empty database, which is gone afterwards. The role must be allowed to make one."""
    address = os.environ["DATABASE_URL"]
    quoted = sql.Identifier(name)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted)
    with psycopg.connect(address, autocommit=True) as administration:
        administration.execute(drop)
        administration.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        try:
            yield database_beside(address, name)
        finally:
            administration.execute(drop)
