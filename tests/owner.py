"""The owner of the tables, for tests that take a guard away: the application's role cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg.conninfo import make_conninfo

from tiqqo.core.rls import PLATFORM_SETTING


@contextmanager
def owner_cursor() -> Iterator[psycopg.Cursor[Any]]:
    """A connection of the owner's own, in which each statement is committed and sees every row."""
    settings = connection.settings_dict
    owner = settings["OWNER"]
    with psycopg.connect(
        make_conninfo(
            host=owner["HOST"],
            port=owner["PORT"],
            user=owner["USER"],
            password=owner["PASSWORD"],
            dbname=settings["NAME"],
            options=f"-c lock_timeout=10000 -c {PLATFORM_SETTING}=on",
        ),
        autocommit=True,
    ) as owned:
        yield owned.cursor()
