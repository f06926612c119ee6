"""Processes that die, and processes that live at another time."""

from devtools.chaos.installation import CHILDREN
from devtools.chaos.trial import Scene
from devtools.paths import REPOSITORY
from devtools.stack import WORKERS

RECOVERY_SECONDS = 8.0
TWO_HOURS = 2 * 3600
SHIFTED = REPOSITORY / "devtools" / "time_shift"
_RENDERING = (
    "SELECT count(*) FROM orders_delivery WHERE status = 'pending' AND claimed_at IS NOT NULL"
)


def kill_web_process(scene: Scene) -> None:
    scene.installation.kill_a_child_of("web")
    scene.hold(RECOVERY_SECONDS)


def kill_web(scene: Scene) -> None:
    scene.installation.kill("web")
    scene.hold(RECOVERY_SECONDS)


def kill_workers(scene: Scene) -> None:
    """While at least one of them has a document in hand."""
    place = scene.installation

    def is_rendering() -> bool:
        [(count,)] = place.database.rows(_RENDERING)
        return bool(count)

    if not place.wait(20, until=is_rendering):
        scene.notes.append("no document was in hand when the workers were killed")
    place.kill(*WORKERS)
    scene.hold(RECOVERY_SECONDS)


def kill_pool(scene: Scene) -> None:
    for _ in range(2):
        scene.installation.kill_a_child_of("documents")
        scene.hold(RECOVERY_SECONDS / 2)


def kill_beat(scene: Scene) -> None:
    scene.installation.kill("beat")
    scene.hold(RECOVERY_SECONDS)


def kill_everything(scene: Scene) -> None:
    """As a power cut does it; what comes back comes in the order of its services."""
    place = scene.installation
    place.keep_down(*CHILDREN)
    place.kill(*CHILDREN, "postgres", "redis")
    place.start_redis()
    place.start_postgres()
    place.let_up()
    scene.hold(RECOVERY_SECONDS)


def web_ahead(scene: Scene) -> None:
    _shift_web(scene, TWO_HOURS)


def web_behind(scene: Scene) -> None:
    _shift_web(scene, -TWO_HOURS)


def _shift_web(scene: Scene, seconds: int) -> None:
    """A deployment whose machine has the wrong time, noticed and mended."""
    stack = scene.installation.stack
    stack.restart("web", PYTHONPATH=str(SHIFTED), TIQQO_SHIFT_SECONDS=str(seconds))
    scene.hold(15)
    stack.restart("web")
