"""What waits in the broker's queues."""

import redis
from django.conf import settings

# A sweeper that asks has better things to do than to wait.
_TIMEOUT_SECONDS = 1


def waiting_in(queue: str) -> int:
    """How many tasks wait there for a worker; 0 where the broker does not answer."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        ) as client:
            return int(client.llen(queue))
    except redis.RedisError:
        return 0
