"""The parts of bin/chaos: its neighbours fail as they are told, and its checks see what is wrong."""

import asyncio
import os
import signal
import smtplib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from devtools.bench.http_client import Site
from devtools.chaos.background import Background
from devtools.chaos.books import Books, DeliveryRow, OrderRow, PaymentRow, RefundRow
from devtools.chaos.checks import Finding, Harm, findings
from devtools.chaos.faults import CONTROL, EXPERIMENTS
from devtools.chaos.mail_sink import Mail, MailSink, Mood
from devtools.chaos.measurements import Log, Try, longest_out, pace, ratio
from devtools.chaos.people import Sale
from devtools.chaos.provider import GivenBack, ProviderBooks, Taken
from devtools.chaos.provider_faults import SESSIONS, FirstOfEachKey
from devtools.chaos.proxy import Fault, Kind, Proxy
from devtools.chaos.report import BEGIN, END, table, write_down
from devtools.chaos.traffic import GaveUp, Traffic, Visitor
from devtools.chaos.trial import Trial
from devtools.processes import LOOPBACK
from devtools.supervisor import Supervisor

HOST = "localhost"


# The proxy ------------------------------------------------------------------------------------


@asynccontextmanager
async def echo_behind_proxy() -> AsyncIterator[tuple[Proxy, list[bytes]]]:
    """A server that answers each line in capitals, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(line)
            writer.write(line.upper())
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    proxy = await Proxy("echo", server.sockets[0].getsockname()[1]).start()
    try:
        yield proxy, asked
    finally:
        await proxy.stop()
        server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection(LOOPBACK, proxy.port))

    async def ask(self, line: bytes, *, within: float = 5.0) -> bytes:
        self.writer.write(line)
        return await asyncio.wait_for(self.reader.readline(), within)


def test_proxy_passes() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, _):
            client = await Client.to(proxy)
            assert await client.ask(b"one\n") == b"ONE\n"
            assert await client.ask(b"two\n") == b"TWO\n"

    asyncio.run(story())


def test_refusing_proxy_has_a_closed_port_and_resets_what_was_open() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, _):
            client = await Client.to(proxy)
            await client.ask(b"one\n")
            await proxy.fail(Fault(Kind.REFUSE))

            with pytest.raises(ConnectionResetError):
                await client.ask(b"two\n")
            with pytest.raises(ConnectionRefusedError):
                await Client.to(proxy)

            await proxy.heal()
            assert await (await Client.to(proxy)).ask(b"three\n") == b"THREE\n"

    asyncio.run(story())


def test_hanging_proxy_freezes_old_and_new_connections_until_it_is_healed() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            old = await Client.to(proxy)
            await old.ask(b"one\n")
            await proxy.fail(Fault(Kind.HANG))
            new = await Client.to(proxy)

            for client in (old, new):
                with pytest.raises(TimeoutError):
                    await client.ask(b"two\n", within=0.2)
            assert asked == [b"one\n"]

            await proxy.heal()
            assert await asyncio.wait_for(old.reader.readline(), 5) == b"TWO\n"
            assert await asyncio.wait_for(new.reader.readline(), 5) == b"TWO\n"

    asyncio.run(story())


@pytest.mark.parametrize(("kind", "is_asked_at_once"), [(Kind.SLOW, False), (Kind.LATE, True)])
def test_slow_asks_late_and_late_answers_late(kind: Kind, is_asked_at_once: bool) -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            client = await Client.to(proxy)
            await proxy.fail(Fault(kind, seconds=1.0))
            began = time.monotonic()
            answering = asyncio.create_task(client.ask(b"one\n"))
            await asyncio.sleep(0.4)

            assert bool(asked) is is_asked_at_once
            assert not answering.done()
            assert await answering == b"ONE\n"
            assert time.monotonic() - began >= 1.0

    asyncio.run(story())


def test_slow_request_arrives_although_its_client_has_gone() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            client = await Client.to(proxy)
            await proxy.fail(Fault(Kind.SLOW, seconds=0.3))
            client.writer.write(b"one\n")
            await client.writer.drain()
            client.writer.close()
            await asyncio.sleep(1.0)

            assert asked == [b"one\n"]

    asyncio.run(story())


def test_cut_lets_the_server_do_its_work_and_breaks_the_answer() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            client = await Client.to(proxy)
            await proxy.fail(Fault(Kind.CUT, after_bytes=2))
            client.writer.write(b"one\n")

            got = b""
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                got = await asyncio.wait_for(client.reader.readexactly(2), 5)
                await asyncio.wait_for(client.reader.readexactly(2), 5)
            assert (got, asked) == (b"ON", [b"one\n"])

    asyncio.run(story())


def test_dropped_answer_never_comes_and_the_connection_stays() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            client = await Client.to(proxy)
            await proxy.fail(Fault(Kind.DROP))
            with pytest.raises(TimeoutError):
                await client.ask(b"one\n", within=0.3)
            await proxy.heal()

            assert await client.ask(b"two\n") == b"TWO\n"
            assert asked == [b"one\n", b"two\n"]

    asyncio.run(story())


def test_answer_instead_of_the_server_s_reads_the_whole_request() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, asked):
            await proxy.fail(Fault(Kind.ANSWER, answer=b"HTTP/1.1 500 Error\r\n\r\n"))
            client = await Client.to(proxy)
            client.writer.write(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
            await client.writer.drain()
            await asyncio.sleep(0.2)
            client.writer.write(b"body\n")

            assert await asyncio.wait_for(client.reader.read(), 5) == b"HTTP/1.1 500 Error\r\n\r\n"
            assert asked == []

    asyncio.run(story())


def test_fault_is_applied_to_the_exchanges_it_is_meant_for() -> None:
    async def story() -> None:
        async with echo_behind_proxy() as (proxy, _):
            client = await Client.to(proxy)
            await proxy.fail(Fault(Kind.DROP, applies_to=lambda request: request == b"one\n"))

            assert await client.ask(b"two\n") == b"TWO\n"
            with pytest.raises(TimeoutError):
                await client.ask(b"one\n", within=0.3)
            assert proxy.hits == 1

    asyncio.run(story())


def test_only_the_first_request_with_a_key_meets_the_fault() -> None:
    first = FirstOfEachKey(SESSIONS)
    request = SESSIONS + b"HTTP/1.1\r\nIdempotency-Key: a\r\n\r\n"

    assert [first(request), first(request)] == [True, False]
    assert first(request.replace(b"Key: a", b"Key: b"))
    assert not first(b"GET / HTTP/1.1\r\nIdempotency-Key: c\r\n\r\n")


# The mail server ------------------------------------------------------------------------------


@pytest.fixture
def background() -> Iterator[Background]:
    with Background() as running:
        yield running


def test_mail_server_takes_mail_and_fails_as_it_is_told(background: Background) -> None:
    sink = MailSink()
    background.call(sink.start())

    def send() -> None:
        with smtplib.SMTP(LOOPBACK, sink.port, timeout=5) as client:
            client.sendmail(
                "a@x.example", ["b@x.example"], "Message-ID: <1@x>\r\nSubject: Hi\r\n\r\nText"
            )

    send()
    assert [(mail.message_id, mail.subject) for mail in sink.mails] == [("<1@x>", "Hi")]

    sink.mood = Mood.BUSY
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send()
    sink.mood = Mood.CUTS
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send()
    assert (len(sink.mails), sink.turned_away) == (1, 2)

    sink.mood = Mood.FORGETS_TO_ANSWER
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send()
    assert len(sink.mails) == 2

    sink.mood, sink.seconds = Mood.SLOW, 0.5
    began = time.monotonic()
    send()
    assert time.monotonic() - began >= 0.5
    background.call(sink.stop())


# Visitors -------------------------------------------------------------------------------------


@asynccontextmanager
async def site_answering(answers: list[bytes | None]) -> AsyncIterator[Site]:
    """Each request gets the next answer; None is none at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer = answers.pop(0)
        if answer is None:
            await asyncio.sleep(5)
        else:
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield Site(LOOPBACK, server.sockets[0].getsockname()[1])
    finally:
        server.close()


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


def test_visitor_presses_again_and_every_try_is_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devtools.chaos.traffic.PAUSE_AFTER_ERROR_SECONDS", 0.0)

    async def story() -> None:
        async with site_answering([None, BUSY, GOOD]) as site:
            visitor = Visitor(site, Log(), patience=(0.3, 2.0, 2.0))
            answer = await visitor.get("page", "/")

        assert answer.text == "ok"
        assert visitor.cookies == {"a": "b"}
        assert [(one.status, one.is_right) for one in visitor.log.tries] == [
            (None, False),
            (503, False),
            (200, True),
        ]

    asyncio.run(story())


def test_visitor_gives_up_after_as_many_tries_as_people_make(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("devtools.chaos.traffic.PAUSE_AFTER_ERROR_SECONDS", 0.0)

    async def story() -> None:
        async with site_answering([BUSY, BUSY, GOOD]) as site:
            with pytest.raises(GaveUp, match="page"):
                await Visitor(site, Log(), patience=(1.0, 1.0)).get("page", "/")

    asyncio.run(story())


def test_traffic_ends_and_sends_away_who_stays_too_long() -> None:
    async def story() -> None:
        came: list[int] = []

        async def stay(number: int) -> None:
            came.append(number)
            await asyncio.sleep(60)

        traffic = Traffic(Site(LOOPBACK, 1), Log())
        traffic.arrive(stay, every_seconds=0.01, most=3)
        await asyncio.sleep(0.3)

        assert await traffic.end(within_seconds=0.1) == 3
        assert came == [1, 2, 3]

    asyncio.run(story())


def test_longest_out_is_from_the_first_failure_to_the_next_proper_answer() -> None:
    def at(began: float, *, right: bool = True, seconds: float = 0.1) -> Try:
        return Try("shop", began, seconds, 200 if right else None, right)

    assert longest_out([at(0), at(1), at(2)]) == 0
    assert longest_out([at(0), at(1, right=False), at(2, right=False), at(3), at(4)]) == 2
    # Right, but later than anybody waits.
    assert longest_out([at(0), at(1, seconds=30), at(2)]) == 1
    # It never came back.
    assert longest_out([at(0), at(1, right=False), at(9, right=False, seconds=1)]) == 9


def test_pace_is_of_right_answers_and_ratio_is_unknown_without_enough() -> None:
    tries = [Try("shop", 0, seconds / 1000, 200, True) for seconds in range(1, 101)]
    wrong = [Try("shop", 0, 9.0, None, False)]

    found = pace(tries + wrong)
    assert (found.p50, found.p95) == (50.0, 95.0)
    assert pace(tries[:3]).p50 is None
    assert (ratio(100.0, 50.0), ratio(None, 50.0), ratio(1.0, None)) == (2.0, None, None)


# The checks: negative controls ----------------------------------------------------------------


def order(code: str, **changed: object) -> OrderRow:
    row = OrderRow(
        code=code,
        status="PAID",
        method="CARD",
        total=1000,
        refunded=0,
        is_confirmed=True,
        invoice_sent=False,
        places=2,
        valid_tickets=2,
        void_tickets=0,
    )
    return replace(row, **changed)  # type: ignore[arg-type]


def message_id(code: str, kind: str = "tickets") -> str:
    return f"<{code}.{kind}.1.abcdef@{HOST}>"


def delivery(code: str, kind: str = "tickets", **changed: object) -> DeliveryRow:
    row = DeliveryRow(code, kind, 1, "sent", message_id(code, kind), 0.0, "")
    return replace(row, **changed)  # type: ignore[arg-type]


def mail(code: str, kind: str = "tickets") -> Mail:
    return Mail(message_id(code, kind), "buyer@example.org", "Your tickets", 1.0)


PAYMENT = PaymentRow(1, "CARD0001", "succeeded", 1000, "EUR", "cs_1", "pi_1")
REFUND = RefundRow(5, 1, 300, "succeeded", "requested", "re_1", "")
TAKEN = Taken("pi_1", "cs_1", "club", "CARD0001", 1000, "EUR")
BOOKS = Books(
    orders={
        "CARD0001": order("CARD0001", refunded=300),
        "FREE0001": order("FREE0001", status="FREE", method="FREE", total=0),
        "FIRM0001": order(
            "FIRM0001", status="OFFLINE_PENDING", method="INVOICE", invoice_sent=True
        ),
    },
    payments=[PAYMENT],
    refunds=[REFUND],
    deliveries=[
        delivery("CARD0001"),
        delivery("FREE0001"),
        delivery("FIRM0001"),
        delivery("FIRM0001", "received"),
        delivery("FIRM0001", "invoice"),
    ],
    clearing={"EUR": 700},
    unbalanced=[],
    unhandled_events=0,
)
PROVIDER = ProviderBooks([TAKEN], [GivenBack("re_1", "pi_1", 300, "succeeded")])
MAILS = [
    mail("CARD0001"),
    mail("FREE0001"),
    mail("FIRM0001"),
    mail("FIRM0001", "received"),
    mail("FIRM0001", "invoice"),
]
TOLD = ["CARD0001", "FREE0001", "FIRM0001"]


def judged(
    books: Books = BOOKS,
    provider: ProviderBooks = PROVIDER,
    mails: list[Mail] = MAILS,
    told: list[str] = TOLD,
) -> list[Finding]:
    return findings(books, provider, mails, told)


def with_order(**changed: object) -> Books:
    return replace(
        BOOKS, orders={**BOOKS.orders, "CARD0001": order("CARD0001", refunded=300, **changed)}
    )


def test_books_that_agree_have_no_findings() -> None:
    assert judged() == []


@pytest.mark.parametrize(
    ("changed", "harm"),
    [
        # Lost.
        ({"told": [*TOLD, "GONE0001"]}, Harm.LOST),
        ({"books": with_order(valid_tickets=1)}, Harm.LOST),
        ({"books": replace(BOOKS, deliveries=BOOKS.deliveries[1:])}, Harm.LOST),
        ({"mails": MAILS[1:]}, Harm.LOST),
        ({"provider": ProviderBooks([TAKEN, replace(TAKEN, intent_id="pi_2", session_id="cs_2")], PROVIDER.given_back)}, Harm.LOST),
        # Doubled.
        ({"books": with_order(valid_tickets=3)}, Harm.DOUBLED),
        ({"books": replace(BOOKS, payments=[PAYMENT, replace(PAYMENT, id=2)])}, Harm.DOUBLED),
        ({"provider": ProviderBooks([TAKEN], [*PROVIDER.given_back, GivenBack("re_2", "pi_1", 300, "succeeded")])}, Harm.DOUBLED),
        ({"books": replace(BOOKS, deliveries=[*BOOKS.deliveries, delivery("CARD0001", number=2, message_id=message_id("FREE0001"))])}, Harm.DOUBLED),
        # Moved wrongly.
        ({"books": replace(BOOKS, payments=[replace(PAYMENT, status="processing")])}, Harm.MOVED_WRONGLY),
        ({"books": replace(BOOKS, payments=[replace(PAYMENT, captured=999)])}, Harm.MOVED_WRONGLY),
        ({"books": replace(BOOKS, payments=[replace(PAYMENT, order_code="FREE0001")])}, Harm.MOVED_WRONGLY),
        ({"provider": ProviderBooks([], [])}, Harm.MOVED_WRONGLY),
        ({"provider": ProviderBooks([TAKEN], [])}, Harm.MOVED_WRONGLY),
        ({"provider": ProviderBooks([TAKEN], [GivenBack("re_1", "pi_1", 300, "pending")])}, Harm.MOVED_WRONGLY),
        ({"books": replace(BOOKS, refunds=[])}, Harm.MOVED_WRONGLY),
        # The whole price was given back, the order stays paid with valid tickets.
        ({"books": replace(with_order(), refunds=[replace(REFUND, amount=1000, reason="paid_twice")], clearing={}), "provider": ProviderBooks([TAKEN], [GivenBack("re_1", "pi_1", 1000, "succeeded")])}, Harm.MOVED_WRONGLY),
        # Money is kept for an order that is over.
        ({"books": with_order(status="CANCELED", valid_tickets=0), "told": TOLD[1:]}, Harm.MOVED_WRONGLY),
        ({"books": replace(BOOKS, clearing={"EUR": 1000})}, Harm.MOVED_WRONGLY),
        ({"books": replace(BOOKS, unbalanced=["payment:1"])}, Harm.MOVED_WRONGLY),
        # Neither, yet.
        ({"books": replace(BOOKS, refunds=[REFUND, replace(REFUND, id=6, status="failed")])}, Harm.BY_HAND),
        ({"mails": MAILS[1:], "books": replace(BOOKS, deliveries=[delivery("CARD0001", status="failed"), *BOOKS.deliveries[1:]])}, Harm.BY_HAND),
        ({"mails": MAILS[1:], "books": replace(BOOKS, deliveries=[delivery("CARD0001", status="pending"), *BOOKS.deliveries[1:]])}, Harm.WAITING),
        ({"books": replace(with_order(), orders={**BOOKS.orders, "CARD0001": order("CARD0001")}, refunds=[replace(REFUND, status="requested")], clearing={"EUR": 1000}), "provider": ProviderBooks([TAKEN], [])}, Harm.WAITING),
        # The whole price goes back, and the order is over already.
        ({"books": replace(with_order(), orders={**BOOKS.orders, "CARD0001": order("CARD0001", status="CANCELED", valid_tickets=0)}, refunds=[replace(REFUND, amount=1000, status="requested", provider_id="")], clearing={"EUR": 1000}), "provider": ProviderBooks([TAKEN], []), "told": TOLD[1:]}, Harm.WAITING),
        ({"mails": [*MAILS, MAILS[0]]}, Harm.MAIL_TWICE),
    ],
)  # fmt: skip
def test_fabricated_harm_is_found(changed: dict[str, object], harm: Harm) -> None:
    found = judged(**changed)  # type: ignore[arg-type]

    assert harm in {one.harm for one in found}, [str(one) for one in found]
    if harm is Harm.WAITING:
        assert {one.harm for one in found} == {harm}


def test_invoice_order_has_its_tickets_once_the_invoice_is_sent() -> None:
    waiting = order("A", status="OFFLINE_PENDING", method="INVOICE", valid_tickets=0)

    assert (waiting.tickets_due, waiting.mails_due) == (0, {"received"})
    sent = replace(waiting, invoice_sent=True)
    assert (sent.tickets_due, sent.mails_due) == (2, {"received", "invoice", "tickets"})


def test_what_was_paid_after_the_backup_is_taken_out_with_its_refunds() -> None:
    later = replace(TAKEN, intent_id="pi_2", session_id="cs_2", order_code="LATE0001")
    books = ProviderBooks(
        [TAKEN, later], [*PROVIDER.given_back, GivenBack("re_2", "pi_2", 1000, "succeeded")]
    )

    assert books.without({"cs_2"}) == PROVIDER


# The table ------------------------------------------------------------------------------------


def test_table_replaces_the_last_one_and_leaves_the_page(tmp_path: Path) -> None:
    experiment = next(iter(EXPERIMENTS.values()))
    sale = Sale("a", "owner", 1, "o", 2, "e", "F", "S", [])
    trial = Trial(experiment, sale, fault_at=10.0, healed_at=20.0, ended=30.0)
    trial.log.tries = [
        Try("shop", 9.0, 0.1, 200, True),
        Try("shop", 12.0, 0.1, None, False),
        Try("shop", 16.0, 0.1, 200, True),
    ]
    trial.findings = [Finding(Harm.LOST, "X", "gone")]
    page = tmp_path / "reliability.md"
    page.write_text(f"# Title\n{BEGIN}\nold\n{END}\nThe rest.\n")

    write_down(page, [trial], about="a machine", rate=4.0)

    text = page.read_text()
    assert text.startswith(f"# Title\n{BEGIN}\n") and text.endswith(f"{END}\nThe rest.\n")
    assert "old" not in text
    [row] = [line for line in table([trial]).splitlines() if experiment.name in line]
    cells = [cell.strip() for cell in row.split("|")]
    assert {len(line.split("|")) for line in table([trial]).splitlines()} == {len(cells)}
    assert cells[3:5] == ["4 s", "0 s"]
    assert "**1**" in cells
    assert trial.has_failed


def test_trial_that_could_not_be_made_has_failed_and_says_why() -> None:
    experiment = EXPERIMENTS["restore"]
    trial = Trial(
        experiment,
        Sale("a", "owner", 1, "o", 2, "e", "F", "S", []),
        error="bin/backup is not present",
    )

    assert trial.has_failed
    assert "bin/backup is not present" in table([trial])
    assert len({line.count("|") for line in table([trial]).splitlines()}) == 1


# Everything that could go wrong is an experiment -------------------------------------------------


def test_experiments_have_the_names_they_are_called_by() -> None:
    assert [one.name for one in EXPERIMENTS.values()] == list(EXPERIMENTS)
    # The control first, and last what takes the database back.
    assert (next(iter(EXPERIMENTS)), list(EXPERIMENTS)[-1]) == (CONTROL, "restore")


# What service managers do -----------------------------------------------------------------------


def test_child_that_has_ended_is_known_and_starts_again_with_other_variables(
    tmp_path: Path,
) -> None:
    supervisor = Supervisor(tmp_path, cwd=tmp_path, echo=False)
    supervisor.start("child", ["/bin/sh", "-c", 'echo "$WORD"; sleep 60'], {"WORD": "one"})
    first = supervisor.pids["child"]
    try:
        assert supervisor.ended == []
        says(tmp_path, "one")
        supervisor.restart("child", {"WORD": "two"})
        second = supervisor.pids["child"]
        says(tmp_path, "one two")
        supervisor.restart("child")
        says(tmp_path, "one two one")

        third = supervisor.pids["child"]
        assert len({first, second, third}) == 3
        os.kill(third, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not supervisor.ended and time.monotonic() < deadline:
            time.sleep(0.05)
        assert supervisor.ended == ["child"]
    finally:
        supervisor.stop()


def says(folder: Path, words: str) -> None:
    """The child's log has these words within some seconds."""
    log, deadline = folder / "log" / "child.log", time.monotonic() + 10
    while (found := log.read_text().split()) != words.split() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == words.split()
