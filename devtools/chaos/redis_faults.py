"""Redis is gone, hangs, or holds what no worker understands."""

import signal

import redis

from devtools.chaos.installation import send
from devtools.chaos.proxy import Fault, Kind
from devtools.chaos.trial import Scene
from devtools.stack import WORKERS

QUEUES = [queue for queues in WORKERS.values() for queue in queues.split(",")]
RUBBISH = (b"rubbish", b"{}", b'{"body": "e30=", "headers": {}, "properties": {}}', b"\xff\xfe")


def kill(scene: Scene) -> None:
    """What was queued and cached is gone; only rows say what has to be done."""
    place = scene.installation
    scene.fail("redis", Fault(Kind.REFUSE))
    place.kill("redis")
    scene.hold(20)
    place.start_redis_empty()
    scene.heal("redis")
    scene.hold(3)


def hang(scene: Scene) -> None:
    """Connections stay open and new ones are taken by the kernel, and nobody answers."""
    pid = scene.installation.redis.pid
    send(pid, signal.SIGSTOP)
    try:
        scene.hold(20)
    finally:
        send(pid, signal.SIGCONT)
    scene.hold(3)


def poison(scene: Scene) -> None:
    with redis.Redis.from_url(scene.installation.redis.url) as client:
        for queue in QUEUES:
            for rubbish in RUBBISH:
                client.lpush(queue, rubbish)
    scene.hold(10)
