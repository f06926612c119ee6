"""The broker: Redis, as Celery speaks to it."""

import logging
from queue import Empty
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Passes over an entry of a queue that is no message, where kombu would let it end the worker."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # Redis has given the entry away already, so passing over it drops it.
            logger.error("queue.poison", extra={"why": f"{type(error).__name__}: {error}"[:300]})
            raise Empty from error


class Transport(redis.Transport):
    """Named by the setting CELERY_BROKER_TRANSPORT."""

    Channel = Channel
