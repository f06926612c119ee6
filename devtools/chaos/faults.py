"""The experiments."""

from devtools.chaos.trial import Experiment, Scene

ANY_SECONDS = 3600.0


# Processes that die ---------------------------------------------------------------------------


def kill_web_worker(scene: Scene) -> None:
    scene.installation.kill_a_child_of("web")
    scene.hold(10)


def kill_web(scene: Scene) -> None:
    scene.installation.kill("web")
    scene.hold(10)


EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("web-worker-killed", "kill -9 of one web process", kill_web_worker),
        Experiment("web-killed", "kill -9 of the whole web service", kill_web),
    )
}
