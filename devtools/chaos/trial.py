"""One experiment from start to end: warm up, fault, recovery, quiet, and then the books."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import psycopg

from devtools.chaos.checks import IS_FAILURE, Finding, Harm, findings
from devtools.chaos.installation import Installation
from devtools.chaos.measurements import Log, pace, ratio, statuses
from devtools.chaos.people import Buyers, Sale, Staff, open_the_doors, send_invoices
from devtools.chaos.proxy import Fault
from devtools.chaos.traffic import Traffic, Visitor
from devtools.stack import NotReady

ASK_EVERY_SECONDS = 2.0
PROBES = ("shop", "dashboard", "door", "sign-in")
PAGES = ("shop", "dashboard", "door", "shop page", "hold", "checkout", "details", "order")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a trial takes; the short form takes less."""

    warm_up: float = 4.0
    fault: float = 1.0
    """Times this: of every fault's own length."""
    after: float = 3.0
    recovery: float = 45.0
    """At most so long until every probe is answered again."""
    leaving: float = 40.0
    """At most so long for buyers who are still there."""
    quiet: float = 3.0
    """At most so long until nothing waits; the rest is waited for once, after the last trial."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A fault, made and healed by `act`."""

    name: str
    what: str
    act: Callable[["Scene"], None]
    tells_mail_times: bool = True
    """Not where web, which writes down when a mail was asked for, lives at another time."""


class Scene:
    """What an experiment acts on."""

    def __init__(
        self, installation: Installation, sale: Sale, buyers: Buyers, timing: Timing
    ) -> None:
        self.installation = installation
        self.sale = sale
        self.buyers = buyers
        self.notes: list[str] = []
        self.findings: list[Finding] = []
        """What the experiment itself found, beside the books."""
        self.later: list[Callable[[], Iterator[Finding]]] = []
        """Asked when everything had time to be done."""
        self.forgotten_orders: set[str] = set()
        self.forgotten_sessions: set[str] = set()
        """What was sold and paid after the backup that was restored."""
        self._timing = timing

    def hold(self, seconds: float) -> None:
        """The fault lasts, while what has ended is started again."""
        self.installation.wait(seconds * self._timing.fault)

    def fail(self, neighbour: str, fault: Fault) -> None:
        """The neighbour fails so until `heal`."""
        proxy = self.installation.proxies[neighbour]
        self.installation.background.call(proxy.fail(fault))

    def heal(self, neighbour: str) -> int:
        """The neighbour is well again; how many exchanges its fault was applied to."""
        proxy = self.installation.proxies[neighbour]
        self.installation.background.call(proxy.heal())
        return proxy.hits

    def expect_mail(self, to: str, *, about: str, since: float) -> None:
        """A mail that somebody was promised has to come, too."""

        def look() -> Iterator[Finding]:
            came = [
                mail
                for mail in self.installation.sink.mails
                if to in mail.to and about in mail.subject.lower() and mail.at >= since
            ]
            if not came:
                yield Finding(Harm.LOST, to, f"the promised mail about {about} has not come")

        self.later.append(look)

    def forget_since_backup(self, began: float) -> None:
        """The database goes back to about then: what was sold and paid since need not be there."""
        place = self.installation
        placed = place.database.rows(
            "SELECT code FROM orders_order WHERE organiser_id = %s AND placed_at >= to_timestamp(%s)",
            self.sale.organiser_id,
            began,
        )
        self.forgotten_orders = {code for (code,) in placed}
        self.forgotten_sessions = {taken.session_id for taken in place.provider.books().taken}


@dataclass(slots=True)
class Trial:
    """What was seen."""

    experiment: Experiment
    sale: Sale
    log: Log = field(default_factory=Log)
    notes: list[str] = field(default_factory=list)
    scene: Scene | None = None
    findings: list[Finding] = field(default_factory=list)
    error: str = ""
    """Why the experiment could not be made."""
    buyers: int = 0
    told: list[str] = field(default_factory=list)
    gave_up: Counter[str] = field(default_factory=Counter)
    restarts: dict[str, int] = field(default_factory=dict)
    began: float = 0.0
    fault_at: float = 0.0
    healed_at: float = 0.0
    ended: float = 0.0
    quiet_after: float | None = None
    """Seconds from the end of the fault until nothing waited; None: not while it was watched."""
    longest_mail: float | None = None

    def count(self, harm: Harm) -> int:
        return sum(one.harm is harm for one in self.findings)

    @property
    def has_failed(self) -> bool:
        return bool(self.error) or any(one.harm in IS_FAILURE for one in self.findings)

    def seconds_out(self, probe: str) -> float:
        return self.log.seconds_out(probe, self.fault_at, self.ended)

    def ratios(self) -> tuple[float | None, float | None]:
        """Pages during the fault against those before: at the median and at p95."""
        before = pace(t for t in self.log.between(self.began, self.fault_at) if t.what in PAGES)
        during = pace(t for t in self.log.between(self.fault_at, self.healed_at) if t.what in PAGES)
        return ratio(during.p50, before.p50), ratio(during.p95, before.p95)

    def wrong_answers(self) -> dict[str, dict[str, int]]:
        return statuses(self.log.tries)


class Runner:
    """Makes trials in an installation, and judges them when all work is done."""

    def __init__(
        self, installation: Installation, *, timing: Timing, purchases_a_second: float
    ) -> None:
        self.installation = installation
        self.timing = timing
        self.rate = purchases_a_second

    def run(self, experiment: Experiment, sale: Sale) -> Trial:
        """The experiment was made; its trial is judged later by `judge`."""
        trial = Trial(experiment, sale)
        place = self.installation
        place.restarts = {}
        background = place.background
        buyers = Buyers(sale, place.site, place.stripe_site, trial.log, mails=place.sink.mails)
        staff = Staff(Visitor(place.site, trial.log), sale)
        background.call(staff.sign_in(), timeout=120)
        traffic = Traffic(place.site, trial.log)
        desk: Future[None] = background.start(send_invoices(staff, buyers))
        trial.began = time.monotonic()
        background.call(_begin(traffic, staff, buyers, self.rate))
        scene = trial.scene = Scene(place, sale, buyers, self.timing)
        try:
            place.wait(self.timing.warm_up)
            trial.fault_at = time.monotonic()
            experiment.act(scene)
        finally:
            trial.healed_at = trial.healed_at or time.monotonic()
            self._recover(trial, traffic, desk)
        trial.notes = scene.notes
        trial.restarts = dict(place.restarts)
        trial.buyers = len(buyers.purchases)
        trial.told = [one.told_code for one in buyers.purchases if one.told_code]
        trial.gave_up = Counter(one.gave_up_at for one in buyers.purchases if one.gave_up_at)
        return trial

    def _recover(self, trial: Trial, traffic: Traffic, desk: "Future[None]") -> None:
        """Probes go on until all are answered again; then everybody leaves and the work is done."""
        place, timing = self.installation, self.timing
        place.let_up()
        place.wait(timing.after)
        place.wait(timing.recovery, until=lambda: _is_well(trial))
        trial.ended = time.monotonic()
        ending = place.background.start(traffic.end(within_seconds=timing.leaving))
        place.wait(timing.leaving + 5, until=ending.done)
        desk.cancel()
        if place.wait(timing.quiet, until=lambda: not self._unfinished(), every=ASK_EVERY_SECONDS):
            trial.quiet_after = time.monotonic() - trial.healed_at

    def _unfinished(self) -> bool:
        try:
            return bool(self.installation.unfinished())
        except (OSError, psycopg.Error):
            return True

    def finish(self, *, within_seconds: float) -> str:
        """Nothing waits any more, in any trial; what does, if time was up."""
        place = self.installation
        place.wait(within_seconds, until=lambda: not self._unfinished(), every=ASK_EVERY_SECONDS)
        return str(place.unfinished())

    def judge(self, trial: Trial) -> None:
        """The trial's findings are those of the books as they are now."""
        place, sale = self.installation, trial.sale
        books = place.database.books(sale.organiser_id)
        provider = place.provider.books().of(sale.organiser)
        mails = list(place.sink.mails)
        scene = trial.scene
        assert scene is not None
        gone = scene.forgotten_sessions - {payment.session_id for payment in books.payments}
        unknown = [taken for taken in provider.taken if taken.session_id in gone]
        told = set(trial.told) - scene.forgotten_orders
        trial.findings = [
            *scene.findings,
            *findings(books, provider.without(gone), mails, told),
            *(one for look in scene.later for one in look()),
            *(
                Finding(Harm.BY_HAND, one.order_code, "paid after the backup, not known here")
                for one in unknown
            ),
        ]
        first_arrival: dict[str, float] = {}
        for mail in mails:
            first_arrival.setdefault(mail.message_id, mail.at)
        delays = [
            first_arrival[delivery.message_id] - delivery.requested_at
            for delivery in books.deliveries
            if delivery.message_id in first_arrival
        ]
        if trial.experiment.tells_mail_times:
            trial.longest_mail = max(delays, default=None)

    def recount(self, trials: Sequence[Trial]) -> None:
        """Stock that differs from its rows is among the findings of the trial that sold it."""
        if self._recounted() is None:
            return
        for trial in trials:
            differs = self._recounted(f"--event={trial.sale.organiser}/{trial.sale.event}")
            if differs is not None:
                trial.findings.append(Finding(Harm.MOVED_WRONGLY, "stock", differs))

    def _recounted(self, *arguments: str) -> str | None:
        """What differs; None when nothing does."""
        try:
            self.installation.stack.manage("verify_inventory", *arguments)
        except NotReady as differs:
            return str(differs).strip().splitlines()[-1]
        return None


async def _begin(traffic: Traffic, staff: Staff, buyers: Buyers, rate: float) -> None:
    open_the_doors(traffic, staff, buyers, purchases_a_second=rate)
    await asyncio.sleep(0)


def _is_well(trial: Trial) -> bool:
    """The last answer of every probe was a proper one."""
    last = {one.what: one for one in trial.log.tries[-400:]}
    return all(probe in last and last[probe].is_proper for probe in PROBES)
