"""PostgreSQL restarts, drops connections, has none left, or somebody holds the rows that all need."""

import psycopg

from devtools.chaos.trial import Scene
from devtools.postgres import APP

_END_BACKENDS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s"


def restart(scene: Scene) -> None:
    """A fast shutdown, as an upgrade of the server does it."""
    scene.installation.restart_postgres()
    scene.hold(6)


def end_backends(scene: Scene) -> None:
    with scene.installation.database.administrator() as administrator:
        for _ in range(5):
            administrator.execute(_END_BACKENDS, [APP])
            scene.hold(2)


def out_of_connections(scene: Scene) -> None:
    """Others have taken them: the product's own end one by one, and no new one is given."""
    with scene.installation.database.administrator() as administrator:
        administrator.execute(f"ALTER ROLE {APP} CONNECTION LIMIT 1")
        try:
            for _ in range(10):
                administrator.execute(_END_BACKENDS, [APP])
                scene.hold(2)
        finally:
            administrator.execute(f"ALTER ROLE {APP} CONNECTION LIMIT -1")
    scene.hold(3)


def hold_rows(scene: Scene) -> None:
    """Somebody else's transaction has the event's pools in hand and does not end."""
    with scene.installation.database.administrator() as other, other.transaction():
        held = other.execute(
            "SELECT id FROM ticketing_capacitypool WHERE organiser_id = %s FOR UPDATE",
            [scene.sale.organiser_id],
        ).fetchall()
        if not held:
            raise psycopg.DataError("the sale has no pools")
        scene.hold(25)
