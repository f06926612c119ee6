"""The security log: attempts, refusals and deeds that an attack would leave behind.

`note` only counts, in this process: it asks no database, so a refusal costs what it cost before, and
whatever the request does with its transaction, what was noted stays. A thread writes the counts a second
later on a connection of its own. The same kind, by the same somebody, in the same minute is one row (of
deeds, the same deed), and a minute has at most `ROWS_A_MINUTE` rows of a kind, so no attack fills the table.
Of deeds each somebody has a bound of their own, `DEEDS_A_MINUTE`, so nobody's hide those of others. A process
that is killed loses the counts of its last second; the first of each minute has a line in the log at once.
"""

import atexit
import json
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from tiqqo.core import clock
from tiqqo.core.clients import address_of
from tiqqo.core.models import SecurityEntry, SecurityKind
from tiqqo.core.origins import agent_of, network_of
from tiqqo.core.tenancy import platform_scope

logger = logging.getLogger("tiqqo.security")

Kind = SecurityKind

# What somebody did who may; all others are attempts that were turned away.
DEEDS = frozenset(
    {
        Kind.SIGN_IN,
        Kind.SIGN_IN_NEW_PLACE,
        Kind.PASSWORD_CHANGED,
        Kind.SECOND_FACTOR_CHANGED,
        Kind.EMAIL_CHANGED,
        Kind.EXPORT,
        Kind.INVITED,
        Kind.INVITATION_REVOKED,
        Kind.JOINED,
        Kind.ROLE_CHANGED,
        Kind.REMOVED,
        Kind.ADMIN_VIEW,
    }
)
ROWS_A_MINUTE = 200
DEEDS_A_MINUTE = 50
# What one process keeps of one minute before it counts the rest together.
ROWS_IN_MEMORY = 1000
EMAILS_IN_A_ROW = 20
LONGEST_FACT = 120
FACTS_IN_A_ROW = 12
# The writer gives up soon: it tries again a second later.
PATIENCE_MS = 2000
_SALT = "tiqqo.core.security_log"
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
# A secret of a link, a session or a key: long and without a space. A view's name has dots or colons.
_SECRET = re.compile(r"[A-Za-z0-9_\-]{16,}")
_WORD = re.compile(r"[a-z]+(?:[_-](?:[a-z]+|[0-9]{1,4}))*")

_request: ContextVar[HttpRequest | None] = ContextVar("security_log_request", default=None)


@dataclass(slots=True)
class Counted:
    """One row to be: who did what in which minute, and how often since the last write."""

    kind: str
    minute: datetime
    last_at: datetime
    organiser_id: int | None = None
    user_id: int | None = None
    network: str = ""
    address_hash: str = ""
    agent: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    email_hashes: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, count: int, at: datetime, email_hashes: list[str]) -> None:
        self.count += count
        self.last_at = max(self.last_at, at)
        for one in email_hashes:
            if one not in self.email_hashes and len(self.email_hashes) < EMAILS_IN_A_ROW:
                self.email_hashes.append(one)


_lock = threading.Lock()
_counted: dict[str, Counted] = {}
_writer: threading.Thread | None = None


@contextmanager
def asked_by(request: HttpRequest) -> Iterator[None]:
    """What is noted inside without a request was done by this one."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def note(
    kind: str,
    *,
    request: HttpRequest | None = None,
    organiser: Any = None,
    user: Any = None,
    email: str = "",
    **facts: Any,
) -> None:
    """It is counted, and in the log where it is the first of its minute. Never raises, never waits.

    `organiser` and `user` (rows or ids) are taken from the request where they are not given. `email` is the
    address that was tried, of which a keyed hash is kept. Facts are short values; what looks like an e-mail
    address is kept as its hash, what looks like a secret not at all.
    """
    try:
        _note(SecurityKind(kind), request or _request.get(), organiser, user, email, facts)
    except Exception:
        # Whoever is refused or served must not fare otherwise because it could not be noted.
        logger.exception("security_log.failed", extra={"kind": str(kind)})


def hash_of(text: str) -> str:
    """The same short hash for the same text, useless without SECRET_KEY."""
    return salted_hmac(_SALT, text.strip().lower(), algorithm="sha256").hexdigest()[:16]


def is_noted(request: HttpRequest, *kinds: str) -> bool:
    """Whether one of these was noted of the request."""
    noted: set[str] = getattr(request, "noted_kinds", set())
    return not noted.isdisjoint(kinds)


def _note(
    kind: SecurityKind,
    request: HttpRequest | None,
    organiser: Any,
    user: Any,
    email: str,
    facts: Mapping[str, Any],
) -> None:
    now = clock.now()
    row = Counted(
        kind=kind.value,
        minute=now.replace(second=0, microsecond=0),
        last_at=now,
        organiser_id=_id_of(organiser or _organiser_of(request)),
        user_id=_id_of(user or getattr(request, "_cached_user", None)),
        facts=_clean(facts),
    )
    if request is not None:
        address = address_of(request)
        row.network, row.agent = network_of(address), agent_of(request)
        row.address_hash = hash_of(address) if address else ""
        request.noted_kinds = {kind.value} | getattr(request, "noted_kinds", set())  # type: ignore[attr-defined]
    emails = [hash_of(email)] if email else []
    if _count(row, emails):
        said = {name: value for name, value in vars_of(row).items() if value not in ("", None, [])}
        level = logging.INFO if kind in DEEDS else logging.WARNING
        logger.log(level, "security.%s", kind.value, extra={"entry": json.dumps(said)})
    _ensure_writer()


def vars_of(row: Counted) -> dict[str, Any]:
    """What the log line says of the row."""
    return {
        "organiser": row.organiser_id,
        "user": row.user_id,
        "network": row.network,
        "address": row.address_hash,
        "agent": row.agent,
        "emails": row.email_hashes,
        # A member's name is for their organiser's page.
        **{name: value for name, value in row.facts.items() if name != "member"},
    }


def _organiser_of(request: HttpRequest | None) -> Any:
    member = getattr(request, "member", None)
    return member.organiser_id if member is not None else getattr(request, "organiser", None)


def _id_of(thing: Any) -> int | None:
    found = getattr(thing, "pk", thing)
    return found if isinstance(found, int) else None


def _clean(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _clean_value(value) for name, value in list(facts.items())[:FACTS_IN_A_ROW]}


def _clean_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value).replace("\x00", "")
    text = _EMAIL.sub(lambda match: f"email:{hash_of(match[0])}", text)
    words = _SECRET.sub(lambda match: _kept_or_dots(match[0]), text)
    return words[:LONGEST_FACT]


def _kept_or_dots(word: str) -> str:
    """A hash of ours and a name made of words may stand; anything else that long is taken for a secret."""
    is_plain = _WORD.fullmatch(word) or re.fullmatch(r"[0-9a-f]{16}", word)
    return word if is_plain else "…"


# Counting ---------------------------------------------------------------------------------


def _key_of(row: Counted) -> str:
    who = f"{row.organiser_id}|{row.user_id}|{row.network}"
    # A deed stands for itself: a harmless export must not hide the next one of its minute.
    what = json.dumps(row.facts, sort_keys=True) if row.kind in DEEDS else ""
    words = f"{row.kind}|{row.minute.isoformat()}|{who}|{what}"
    return salted_hmac(_SALT, words, algorithm="sha256").hexdigest()[:32]


def _together(row: Counted) -> Counted:
    """The row of the minute for everybody who finds no row of their own left; of deeds it says whose."""
    crowd = Counted(kind=row.kind, minute=row.minute, last_at=row.last_at, facts={"many": True})
    if row.kind in DEEDS:
        crowd.organiser_id, crowd.user_id = row.organiser_id, row.user_id
    return crowd


def _count(row: Counted, email_hashes: list[str]) -> bool:
    """It is in memory; whether it is the first of its minute here since the last write."""
    key = _key_of(row)
    with _lock:
        if key not in _counted and len(_counted) >= ROWS_IN_MEMORY:
            row = _together(row)
            key = _key_of(row)
        is_first = key not in _counted
        known = _counted.setdefault(key, row)
        known.add(1, row.last_at, email_hashes)
    return is_first and _is_first_line(key, row.minute)


_told: dict[str, datetime] = {}


def _is_first_line(key: str, minute: datetime) -> bool:
    """Whether the log has no line of this minute yet: an attack does not fill the log either."""
    with _lock:
        if key in _told:
            return False
        if len(_told) >= ROWS_IN_MEMORY:
            for old in [one for one, at in _told.items() if at < minute]:
                del _told[old]
        if len(_told) >= ROWS_IN_MEMORY:
            return False
        _told[key] = minute
    return True


# Writing ----------------------------------------------------------------------------------

_SET_PATIENCE = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"
)
_UPSERT = """
INSERT INTO core_securityentry AS known
       (kind, organiser_id, user_id, key, minute, last_at, count, network, address_hash, agent,
        email_hashes, facts)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::varchar[], %s::jsonb)
    ON CONFLICT (key) DO UPDATE
   SET count = known.count + EXCLUDED.count,
       last_at = greatest(known.last_at, EXCLUDED.last_at),
       email_hashes = (SELECT coalesce(array_agg(one), '{}') FROM
           (SELECT DISTINCT one FROM unnest(known.email_hashes || EXCLUDED.email_hashes) AS one
             LIMIT %s) AS kept)
"""


def flush() -> int:
    """What was counted is in the table; how many rows were written. What could not be stays counted."""
    with _lock:
        taken = dict(_counted)
        _counted.clear()
    if not taken:
        return 0
    try:
        with platform_scope("write the security log"), transaction.atomic():
            return _write(taken)
    except IntegrityError:
        # A user or an organiser that is gone, or is not there yet.
        return sum(_write_alone(row) for row in taken.values())
    except Error as error:
        logger.warning("security_log.not_written", extra={"why": str(error).splitlines()[0][:200]})
        _take_back(taken)
        return 0


def _take_back(rows: Mapping[str, Counted]) -> None:
    """They wait for the next write, within the same bound."""
    with _lock:
        for key, row in rows.items():
            if key not in _counted and len(_counted) >= ROWS_IN_MEMORY:
                kept = _together(row)
                known = _counted.setdefault(_key_of(kept), kept)
            else:
                known = _counted.setdefault(key, row)
            if known is not row:
                known.add(row.count, row.last_at, row.email_hashes)


def _write(rows: Mapping[str, Counted]) -> int:
    patience = f"{PATIENCE_MS}ms"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
        )
        before = cursor.fetchone()
        cursor.execute(_SET_PATIENCE, [patience, patience])
    within = _within_bounds(rows)
    # In one order everywhere, so that two processes never wait for each other.
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [_values(key, within[key]) for key in sorted(within)])
        # Whether everybody exists is found out here, not when the transaction of others ends.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_SET_PATIENCE, before)
    return len(within)


def _within_bounds(rows: Mapping[str, Counted]) -> dict[str, Counted]:
    """The rows by key; those for which their minute has no room are counted together."""
    known = set(SecurityEntry.objects.filter(key__in=list(rows)).values_list("key", flat=True))
    room: dict[str, int] = {}
    found: dict[str, Counted] = {}
    for key, row in rows.items():
        if key not in known:
            crowd_key = _key_of(_together(row))
            if crowd_key not in room:
                room[crowd_key] = _room_beside(row)
            room[crowd_key] -= 1
            if room[crowd_key] < 0:
                crowd = found.setdefault(crowd_key, _together(row))
                crowd.add(row.count, row.last_at, row.email_hashes)
                continue
        found[key] = row
    return found


def _room_beside(row: Counted) -> int:
    """How many rows more the minute may have of this kind; of deeds, of this somebody."""
    there = SecurityEntry.objects.filter(kind=row.kind, minute=row.minute)
    if row.kind not in DEEDS:
        return ROWS_A_MINUTE - there.count()
    whose: dict[str, Any] = {"organiser_id": row.organiser_id, "user_id": row.user_id}
    return DEEDS_A_MINUTE - there.filter(**whose).count()


def _values(key: str, row: Counted) -> list[Any]:
    return [
        row.kind,
        row.organiser_id,
        row.user_id,
        key,
        row.minute,
        row.last_at,
        row.count,
        row.network,
        row.address_hash,
        row.agent,
        row.email_hashes,
        json.dumps(row.facts),
        EMAILS_IN_A_ROW,
    ]


def _write_alone(row: Counted) -> int:
    try:
        with platform_scope("write the security log"), transaction.atomic():
            return _write({_key_of(row): row})
    except IntegrityError:
        row.organiser_id = row.user_id = None
    try:
        with platform_scope("write the security log"), transaction.atomic():
            return _write({_key_of(row): row})
    except Error as error:
        logger.warning("security_log.not_written", extra={"why": str(error).splitlines()[0][:200]})
        return 0


def forget_counts() -> None:
    """Nothing is counted and no line was written: for tests, and for a process that was forked."""
    with _lock:
        _counted.clear()
        _told.clear()


def _ensure_writer() -> None:
    """A thread writes every SECURITY_LOG_SECONDS. Begun late, so that it lives in the process that notes."""
    global _writer  # noqa: PLW0603  one for the process
    if settings.SECURITY_LOG_SECONDS <= 0 or (_writer is not None and _writer.is_alive()):
        return
    with _lock:
        if _writer is not None and _writer.is_alive():
            return
        if _writer is None:
            atexit.register(_flush_last)
        _writer = threading.Thread(target=_write_on, name="security-log", daemon=True)
        _writer.start()


def _write_on() -> None:
    while (seconds := settings.SECURITY_LOG_SECONDS) > 0:
        time.sleep(seconds)
        _flush_and_close()


def _flush_and_close() -> None:
    """A connection is held only while there is something to write."""
    try:
        flush()
    except Exception:
        logger.exception("security_log.failed")
    finally:
        connection.close()


def _flush_last() -> None:
    if _counted:
        _flush_and_close()
