"""The mail server is gone, slow, busy, or hangs up.

In each, somebody also asks for a new password: that mail must come, too, and nobody may wait for it.
"""

import time

from devtools.bench.pages import form_to
from devtools.chaos.checks import Finding, Harm
from devtools.chaos.mail_sink import Mood
from devtools.chaos.measurements import Log
from devtools.chaos.proxy import Fault, Kind
from devtools.chaos.traffic import GaveUp, Visitor
from devtools.chaos.trial import Scene

RESET = "/accounts/password/reset/"
# Longer than two pages take on a busy machine, shorter than the slow mail server takes for a mail.
LONGEST_SECONDS = 6.0


def gone(scene: Scene) -> None:
    scene.fail("mail", Fault(Kind.REFUSE))
    _ask_for_password(scene)
    scene.hold(12)
    scene.heal("mail")


def slow(scene: Scene) -> None:
    _while(scene, Mood.SLOW, seconds=8.0)


def busy(scene: Scene) -> None:
    _while(scene, Mood.BUSY)


def cut(scene: Scene) -> None:
    _while(scene, Mood.CUTS)


def answers_lost(scene: Scene) -> None:
    _while(scene, Mood.FORGETS_TO_ANSWER)


def _while(scene: Scene, mood: Mood, *, seconds: float = 0.0) -> None:
    sink = scene.installation.sink
    sink.seconds, sink.mood = seconds, mood
    try:
        _ask_for_password(scene)
        scene.hold(10)
    finally:
        sink.mood = Mood.TAKES


def _ask_for_password(scene: Scene) -> None:
    """The site says that a mail is on its way, and then it must be."""
    place = scene.installation
    visitor = Visitor(place.site, Log(), patience=(15.0,))

    async def ask() -> None:
        page = await visitor.get("password", RESET)
        form = form_to(page.text, RESET)
        await visitor.post("password", form.action, {**form.fields, "email": scene.sale.owner})

    began = time.monotonic()
    try:
        place.background.call(ask())
    except GaveUp:
        statuses = [one.status for one in visitor.log.tries]
        _stood_still(scene, f"refused with {statuses[-1] or 'no answer'}")
        return
    took = time.monotonic() - began
    scene.notes.append(f"a new password was asked for within {took:.1f} s")
    if took > LONGEST_SECONDS:
        _stood_still(scene, f"the page waited {took:.0f} s for the mail server")
    scene.expect_mail(scene.sale.owner, about="password", since=time.time() - took)


def _stood_still(scene: Scene, text: str) -> None:
    scene.findings.append(Finding(Harm.STOOD_STILL, "new password", text))
