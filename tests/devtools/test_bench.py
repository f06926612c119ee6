"""The arithmetic of `bin/bench`: percentiles, targets, splits, and what it reads from others' output."""

import pytest

from devtools.bench import __main__ as program
from devtools.bench import ceiling, machine
from devtools.bench.figures import (
    at_least,
    at_most,
    judged,
    percentile,
    rate,
    ratio,
    shares,
    slowest_p95,
    what_clients_saw,
)
from devtools.bench.http_client import Site
from devtools.bench.load import Load, Outcome
from devtools.bench.machine import Process, Spent, cpu_figures, parse_rollup, parse_stat, tree
from devtools.bench.scenarios import SCENARIOS
from devtools.bench.statements import Asked

MILLISECOND = 0.001


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(1, 50, 1.0), (1, 99, 1.0), (4, 50, 2.0), (4, 95, 4.0), (100, 95, 95.0), (101, 95, 96.0)],
)
def test_percentile_is_the_nearest_rank(count, share, expected):
    ascending = [number * MILLISECOND for number in range(1, count + 1)]

    assert percentile(ascending, share) == expected


def test_nothing_has_no_percentile_and_no_ratio():
    assert percentile([], 95) is None
    assert ratio(1.0, 0.0) is None
    assert rate(5, 0.0) == 0.0


def test_rate_is_of_finished_scripts_and_latency_of_requests():
    outcome = Outcome(
        seconds=2.0,
        latencies={"page": [0.010, 0.020], "hold": [0.300]},
        errors=1,
        first_error="hold: status 500",
        client_cpu_seconds=0.0006,
    )
    outcome.endings["bought"] = 1

    figures = what_clients_saw(outcome)

    assert figures == {
        "rate": 0.5,
        "requests": 3,
        "p50_ms": 20.0,
        "p95_ms": 300.0,
        "p99_ms": 300.0,
        "errors": 1,
        "first_error": "hold: status 500",
        "steps": {
            "page": {"p50_ms": 10.0, "p95_ms": 20.0, "p99_ms": 20.0},
            "hold": {"p50_ms": 300.0, "p95_ms": 300.0, "p99_ms": 300.0},
        },
        "client_us_per_request": 200,
    }
    assert slowest_p95(outcome) == 300.0


@pytest.mark.parametrize(
    ("figures", "met"),
    [
        ({"rate": 500, "p95_ms": 60.0}, True),
        ({"rate": 499.9, "p95_ms": 60.0}, False),
        ({"rate": 500, "p95_ms": 60.1}, False),
        ({"rate": 500, "p95_ms": None}, False),
        ({"rate": 500}, False),
    ],
)
def test_target_is_met_at_its_limit_and_never_by_a_missing_figure(figures, met):
    found = judged(figures, [at_least("rate", 500), at_most("p95_ms", 60)])

    assert found["met"] is met
    assert list(found["targets"]) == ["rate ≥ 500", "p95_ms ≤ 60"]
    assert judged(figures, []) == {}


def test_shares_add_up():
    assert shares({"web": 3.0, "postgres": 1.0, "client": 0.0}) == {
        "web": {"seconds": 3.0, "share": 0.75},
        "postgres": {"seconds": 1.0, "share": 0.25},
        "client": {"seconds": 0.0, "share": 0.0},
    }


def test_cpu_split_tells_what_others_took():
    before = Spent({"web": 10.0, "postgres": 4.0}, machine=100.0)
    after = Spent({"web": 13.0, "postgres": 5.0}, machine=106.0)

    found = cpu_figures(after.since(before), seconds=5.0, cores=2)

    assert found["cpu"]["web"] == {"seconds": 3.0, "share": 0.75}
    assert found["cpu_other_seconds"] == 2.0
    assert found["cpu_busy"] == 0.6


def test_process_line_is_read_whatever_its_name():
    line = (
        "42 (a (bad) name) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 25 75 20 0 4 0 1 2 3 4 5 6 7 8\n"
    )

    assert parse_stat(line, ticks=100) == Process(pid=42, parent=7, cpu_seconds=3.0)


def test_tree_holds_all_below_its_root_and_nobody_else():
    among = {
        pid: Process(pid, parent, 0.0) for pid, parent in [(1, 0), (2, 1), (3, 2), (4, 2), (5, 1)]
    }

    assert sorted(process.pid for process in tree(2, among)) == [2, 3, 4]
    assert list(tree(9, among)) == []


def test_machine_is_busy_with_everything_but_idling_and_waiting():
    stat = "cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 0 0\n"

    assert machine._busy_seconds(stat, ticks=1) == 100 + 20 + 30 + 6 + 7 + 8


def test_memory_is_in_megabytes():
    rollup = "55-7f ---p 00000000 00:00 0    [rollup]\nRss:      146484 kB\nPss:       97656 kB\n"

    assert parse_rollup(rollup) == {"Rss": 150.0, "Pss": 100.0}


def test_statements_are_counted_between_two_looks():
    assert Asked(50, 7, 9, 12.5).since(Asked(20, 5, 3, 10.0)) == Asked(30, 2, 6, 2.5)


def test_pgbench_output_is_read():
    output = (
        "number of transactions actually processed: 3000\nnumber of failed transactions: 2 (0.1%)\n"
        "latency average = 2.016 ms\ninitial connection time = 9.1 ms\n"
        "tps = 3968.12 (without initial connection time)\n"
    )

    found = ceiling.parse(output, clients=8, is_synchronous=True)

    assert (found.name, found.rate, found.mean_ms, found.errors) == (
        "synchronous_8",
        3968.1,
        2.016,
        2,
    )
    with pytest.raises(ceiling.NoCeiling, match="printed no rate"):
        ceiling.parse("could not connect", clients=8, is_synchronous=True)


def test_load_has_an_end():
    with pytest.raises(ValueError, match="seconds or a count"):
        Load(Site("127.0.0.1", 1), lambda number: iter(()), clients=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop", "shup"], "there is no scenario shup"),
        (["--seconds", "0"], "must be more than nothing"),
        (["--set", "DATABASE_POOL"], "NAME=VALUE"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, said, capsys):
    with pytest.raises(SystemExit) as refused:
        program._parse(arguments)

    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_all_scenarios_are_measured_if_none_is_named():
    options, names, environment = program._parse(["--clients", "4", "--set", "DATABASE_POOL=1"])

    assert names == list(SCENARIOS)
    assert options.clients_or(32) == 4
    assert environment == {"DATABASE_POOL": "1"}


def test_scale_applies_to_what_is_counted():
    options, names, _ = program._parse(["rush", "--scale", "0.1"])

    assert names == ["rush"]
    assert (options.scaled(1000), options.scaled(1)) == (100, 1)
    assert options.clients_or(32) == 32
