"""The payment provider is slow, silent, gone, hangs up, or its words come in the wrong order."""

import asyncio
import json
import time

from devtools.bench.buyers import QUANTITY
from devtools.bench.pages import form_to
from devtools.chaos.checks import Finding, Harm
from devtools.chaos.measurements import Log
from devtools.chaos.people import Buyers, Means
from devtools.chaos.proxy import Fault, Kind
from devtools.chaos.traffic import GaveUp, Visitor
from devtools.chaos.trial import Scene

SESSIONS = b"POST /v1/checkout/sessions "
LOOK_UP = b"GET /v1/checkout/sessions/"
REFUNDS = b"POST /v1/refunds "
OPEN_PAGES = 40
AT_ONCE = 8
REFUNDS_MEANWHILE = 3
HOLDS_MEANWHILE = 3
TEN_MINUTES = 600
# Of buyers who come for this experiment only, apart from the usual ones.
FIRST_NUMBER = 100_000


def _http_error(status: int, kind: str) -> bytes:
    body = json.dumps({"error": {"type": kind, "message": "Something went wrong on our side."}})
    return (
        f"HTTP/1.1 {status} Error\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


def slow(scene: Scene) -> None:
    _while(scene, Fault(Kind.SLOW, seconds=20.0), 25)


def silent(scene: Scene) -> None:
    _while(scene, Fault(Kind.HANG), 20)


def gone(scene: Scene) -> None:
    _while(scene, Fault(Kind.REFUSE), 10)


def cut(scene: Scene) -> None:
    _while(scene, Fault(Kind.CUT), 12)


def late(scene: Scene) -> None:
    _while(scene, Fault(Kind.LATE, seconds=8.0), 15)


def broken(scene: Scene) -> None:
    _while(scene, Fault(Kind.ANSWER, answer=_http_error(500, "api_error")), 12)


def _while(scene: Scene, fault: Fault, seconds: float) -> None:
    scene.fail("stripe", fault)
    try:
        scene.hold(seconds)
    finally:
        hits = scene.heal("stripe")
    if fault.kind is not Kind.REFUSE:  # nobody counts who finds the door closed
        scene.notes.append(f"{hits} calls to the provider met the fault")


class FirstOfEachKey:
    """Whether the request is the first with its idempotency key."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._seen: set[bytes] = set()

    def __call__(self, request: bytes) -> bool:
        if not request.startswith(self._beginning):
            return False
        for line in request.split(b"\r\n"):
            name, _, key = line.partition(b":")
            if name.strip().lower() == b"idempotency-key":
                is_first = key not in self._seen
                self._seen.add(key)
                return is_first
        return False


def webhook_first(scene: Scene) -> None:
    """The first answer comes 4 s late; whoever presses again meanwhile has the page and pays at once."""
    _while(scene, Fault(Kind.LATE, seconds=4.0, applies_to=FirstOfEachKey(SESSIONS)), 15)


def webhooks_lost(scene: Scene) -> None:
    provider = scene.installation.provider
    provider.set_webhooks("drop")
    try:
        scene.hold(10)
    finally:
        provider.set_webhooks("normal")


def webhooks_in_disorder(scene: Scene) -> None:
    provider = scene.installation.provider
    provider.set_webhooks("hold")
    try:
        scene.hold(10)
        held = [event for event in provider.events() if event["delivery"] == "held"]
        for event in reversed(held):
            for _ in range(3):
                provider.redeliver(event["id"])
    finally:
        provider.set_webhooks("normal")
    scene.notes.append(f"{len(held)} events came newest first, each three times")


def clock_behind(scene: Scene) -> None:
    """Signatures look ten minutes old: webhooks are refused until the clocks agree again."""
    provider = scene.installation.provider
    provider.shift_clock(-TEN_MINUTES)
    try:
        scene.hold(10)
    finally:
        provider.shift_clock(0)


def refunds(scene: Scene) -> None:
    place = scene.installation
    scene.hold(8)
    asked = 0
    for fault in (
        Fault(Kind.LATE, seconds=20.0, applies_to=_is_refund),
        Fault(Kind.CUT, applies_to=_is_refund),
        Fault(Kind.ANSWER, answer=_http_error(500, "api_error"), applies_to=_is_refund),
    ):
        scene.fail("stripe", fault)
        try:
            asked += place.refund(scene.sale, count=4)
            scene.hold(6)
        finally:
            hits = scene.heal("stripe")
        scene.notes.append(f"{fault.kind.value}: {hits} calls met the fault")
    scene.notes.append(f"{asked} refunds were asked for")


def _is_refund(request: bytes) -> bool:
    return request.startswith(REFUNDS)


def open_pages(scene: Scene) -> None:
    """People have left 40 payment pages open. Asking for each takes 20 s; other money work goes on."""
    place, sale = scene.installation, scene.sale
    buyers = Buyers(sale, place.site, place.stripe_site, Log(), pays=False)
    place.background.call(_leave_pages_open(buyers), timeout=120)
    held = place.background.call(_hold_only(buyers, HOLDS_MEANWHILE))
    left = [one.session_id for one in buyers.purchases if one.session_id]
    asks_for = tuple(LOOK_UP + session_id.encode() for session_id in left)
    fault = Fault(Kind.SLOW, seconds=20.0, applies_to=lambda request: request.startswith(asks_for))
    scene.fail("stripe", fault)
    try:
        with place.database.administrator() as administrator:
            # As if all this had happened a while ago.
            administrator.execute(
                "UPDATE orders_payment SET checked_at = now() - interval '3 minutes'"
                " WHERE session_id = ANY (%s)",
                [left],
            )
            administrator.execute(
                "UPDATE ticketing_reservation SET expires_at = now() - interval '1 second'"
                " WHERE secret = ANY (%s)",
                [held],
            )
        if not place.wait(40, until=lambda: place.proxies["stripe"].hits > 0):
            scene.notes.append("nobody asked for the open pages")
        asked = place.refund(sale, count=REFUNDS_MEANWHILE)
        began = time.time()
        scene.hold(30)
        _look_at_other_work(scene, asked, held, since=began)
    finally:
        hits = scene.heal("stripe")
    scene.notes.append(f"{len(left)} open pages; {hits} look-ups met the fault")


async def _leave_pages_open(buyers: Buyers) -> None:
    seats = asyncio.Semaphore(AT_ONCE)

    async def leave(number: int) -> None:
        async with seats:
            await buyers.buy(Means.CARD, number)

    await asyncio.gather(*(leave(FIRST_NUMBER + number) for number in range(OPEN_PAGES)))


async def _hold_only(buyers: Buyers, count: int) -> list[str]:
    """The secrets of holds that nobody goes on with."""
    secrets = []
    for _ in range(count):
        visitor = Visitor(buyers.site, Log())
        try:
            page = await visitor.get("shop page", buyers.sale.path)
            form = form_to(page.text, "/reservations/")
            fields = {**form.fields, f"{QUANTITY}{buyers.sale.free}": "1"}
            held = await visitor.post("hold", form.action, fields)
        except GaveUp:
            continue
        secrets.append(held.location.strip("/").split("/")[-1])
    return secrets


def _look_at_other_work(scene: Scene, refunds: int, held: list[str], *, since: float) -> None:
    """Refunds that were asked for, holds that were over and events that came are done by now."""
    ask = scene.installation.database.rows
    [(waiting,)] = ask(
        "SELECT count(*) FROM orders_refund WHERE organiser_id = %s AND status <> 'succeeded'",
        scene.sale.organiser_id,
    )
    [(kept,)] = ask(
        "SELECT count(*) FROM ticketing_reservation WHERE secret = ANY (%s) AND status = 'PENDING'",
        held,
    )
    [(events,)] = ask(
        "SELECT count(*) FROM orders_providerevent"
        " WHERE handled_at IS NULL AND received_at < to_timestamp(%s)",
        since,
    )
    scene.notes.append(
        f"meanwhile {refunds - waiting} of {refunds} refunds were made,"
        f" {len(held) - kept} of {len(held)} holds expired, {events} events waited for 30 s"
    )
    for count, what in ((waiting, "refunds"), (kept, "overdue holds"), (events, "events")):
        if count:
            scene.findings.append(
                Finding(Harm.STOOD_STILL, what, f"{count} waited while look-ups were slow")
            )
