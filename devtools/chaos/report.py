"""The table, for the terminal and for docs/reliability.md."""

import time
from collections.abc import Sequence
from pathlib import Path

from devtools.chaos.checks import Harm
from devtools.chaos.trial import PROBES, Trial

BEGIN = "<!-- bin/chaos --write: the table begins -->"
END = "<!-- the table ends -->"
MOST_FINDINGS = 5
IN_NUMBER = (Harm.WAITING, Harm.MAIL_TWICE)
HEAD = (
    "experiment",
    "what fails",
    "out: shop",
    "dashboard",
    "door",
    "sign-in",
    "pages p50 ×",
    "p95 ×",
    "buyers",
    "lost",
    "doubled",
    "moved wrongly",
    "stood still",
    "by hand",
    "mail twice",
    "latest mail",
)


def table(trials: Sequence[Trial]) -> str:
    """A row for each trial, in Markdown. Seconds are whole; a dash is what was not measured."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(_row(trial) for trial in trials)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(trial: Trial) -> tuple[str, ...]:
    experiment = trial.experiment
    if trial.error:
        nothing = ("–",) * (len(HEAD) - 3)
        return (experiment.name, experiment.what, f"**{trial.error}**", *nothing)
    p50, p95 = trial.ratios()
    return (
        experiment.name,
        experiment.what,
        *(f"{trial.seconds_out(probe):.0f} s" for probe in PROBES),
        _figure(p50),
        _figure(p95),
        str(trial.buyers),
        *(
            _count(trial.count(harm))
            for harm in (Harm.LOST, Harm.DOUBLED, Harm.MOVED_WRONGLY, Harm.STOOD_STILL)
        ),
        str(trial.count(Harm.BY_HAND) + trial.count(Harm.WAITING)),
        str(trial.count(Harm.MAIL_TWICE)),
        f"{trial.longest_mail:.0f} s" if trial.longest_mail is not None else "–",
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _count(value: int) -> str:
    return f"**{value}**" if value else "0"


def details(trials: Sequence[Trial]) -> str:
    """What the table has no room for: findings, wrong answers, who gave up, notes."""
    return "\n".join(line for trial in trials for line in _details(trial))


def _details(trial: Trial) -> list[str]:
    name = trial.experiment.name
    if trial.error:
        return [f"{name}: could not be made: {trial.error}"]
    out = ", ".join(f"{probe} {trial.seconds_out(probe):.0f} s" for probe in PROBES)
    quiet = "not yet" if trial.quiet_after is None else f"after {trial.quiet_after:.0f} s"
    lines = [
        f"{name}: {trial.buyers} buyers, {len(trial.told)} have their order; quiet {quiet}",
        f"  out: {out}; pages × {trial.ratios()}",
    ]
    lines += [f"  {note}" for note in trial.notes]
    if trial.restarts:
        lines.append(f"  started again: {trial.restarts}")
    if wrong := trial.wrong_answers():
        lines.append(f"  wrong answers: {wrong}")
    if trial.gave_up:
        lines.append(f"  gave up at: {dict(trial.gave_up)}")
    for harm in Harm:
        # What waits is only told in number: it is work, and most of it is done a moment later.
        told = [] if harm in IN_NUMBER else [one for one in trial.findings if one.harm is harm]
        lines += [f"  {finding}" for finding in told[:MOST_FINDINGS]]
    if counts := {harm.value: trial.count(harm) for harm in Harm if trial.count(harm)}:
        lines.append(f"  in all {counts}")
    return lines


def write_down(page: Path, trials: Sequence[Trial], *, about: str, rate: float) -> None:
    """The page's table is this one; the rest of the page stays."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    day = time.strftime("%-d %B %Y")
    head = f"{day}, {rate:g} purchases a second, {about}."
    page.write_text(f"{before}{BEGIN}\n{head}\n\n{table(trials)}\n{END}{after}")
