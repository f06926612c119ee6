"""PostgreSQL and Redis for development and tests: our own, or those that addresses name."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from devtools.postgres import CannotStart, EmbeddedPostgres
from devtools.redis import EmbeddedRedis

__all__ = ["CannotStart", "EmbeddedPostgres", "EmbeddedRedis", "Services"]


class Services:
    """Both are up between start and stop; what an address names is used and never stopped."""

    def __init__(
        self,
        var_dir: Path,
        *,
        durable: bool = True,
        database_url: str | None = None,
        redis_url: str | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        self.postgres = (
            None if database_url else EmbeddedPostgres(var_dir, durable=durable, say=say)
        )
        self.redis = None if redis_url else EmbeddedRedis(var_dir, durable=durable, say=say)
        self._database_url = database_url
        self._redis_url = redis_url
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Both answer, or neither runs and the reason was raised."""
        with ExitStack() as starting:
            for service in (self.redis, self.postgres):
                if service:
                    starting.enter_context(service)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Ours have ended cleanly; harmless when they are not running."""
        self._running.close()

    @property
    def environment(self) -> dict[str, str]:
        """What tells the app where they are."""
        found = {
            "DATABASE_URL": self.postgres.url if self.postgres else self._database_url or "",
            "REDIS_URL": self.redis.url if self.redis else self._redis_url or "",
        }
        if self.postgres:
            found["OWNER_DATABASE_URL"] = self.postgres.owner_url
            found["BACKUP_DATABASE_URL"] = self.postgres.backup_url
            found["POSTGRES_PROGRAMS"] = str(self.postgres.programs)
        return found
