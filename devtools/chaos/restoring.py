"""The database is lost and restored, and the provider tells again what has happened since the backup."""

import os
import shutil
import subprocess
import time

from devtools.chaos.installation import CHILDREN
from devtools.chaos.provider import NotPresent
from devtools.chaos.trial import Scene
from devtools.paths import REPOSITORY
from devtools.stack import NotReady

PROGRAMS = ("backup", "restore")
PATIENCE_SECONDS = 180.0
READY_SECONDS = 90.0


def restore_and_replay(scene: Scene) -> None:
    """What was sold after the backup is gone here; its money must not buy what others hold.

    Raises NotPresent without bin/backup and bin/restore.
    """
    place = scene.installation
    for name in PROGRAMS:
        if not (REPOSITORY / "bin" / name).exists():
            raise NotPresent(f"bin/{name} is not present")
    place.wait(60, until=lambda: not place.unfinished())
    folder = place.var_dir / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    began = time.time()
    _run(scene, "backup", str(folder))
    scene.hold(15)

    place.keep_down(*CHILDREN)
    place.kill(*CHILDREN)
    scene.forget_since_backup(began)
    _run(scene, "restore", "--replace", str(folder))
    place.let_up()
    if not place.wait(READY_SECONDS, until=place.is_ready, every=1.0):
        raise NotReady("the product is not ready after the restore")
    scene.hold(10)

    since = [event for event in place.provider.events() if event["created"] >= int(began)]
    answers = [place.provider.redeliver(event["id"]) for event in since]
    accepted = sum(answer is not None and answer < 300 for answer in answers)
    scene.notes.append(f"{len(since)} events since the backup came again, {accepted} were taken")
    _reconcile(scene)
    scene.hold(5)


def _run(scene: Scene, program: str, *arguments: str) -> None:
    """Raises NotReady with what it said."""
    place = scene.installation
    environment = {
        **os.environ,
        **place.stack.environment,
        "BACKUP_DATABASE_URL": place.postgres.backup_url,
        "POSTGRES_PROGRAMS": str(place.postgres.programs),
    }
    began = time.monotonic()
    done = subprocess.run(
        [REPOSITORY / "bin" / program, *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    if done.returncode != 0:
        raise NotReady(f"bin/{program} failed:\n{done.stdout}{done.stderr}")
    scene.notes.append(f"bin/{program} took {time.monotonic() - began:.0f} s")


def _reconcile(scene: Scene) -> None:
    """What an operator is told to do after a restore, where the product has it."""
    try:
        said = scene.installation.stack.manage("reconcile_payments")
    except NotReady as missing:
        scene.notes.append(f"reconcile_payments: {str(missing).splitlines()[1]}")
    else:
        scene.notes.append(f"reconcile_payments: {said.strip().splitlines()[-1]}")
