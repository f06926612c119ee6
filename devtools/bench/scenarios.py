"""What is measured, and the targets: issue by issue in `docs/performance.md`."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from statistics import fmean
from urllib.parse import urlsplit

from devtools.bench import abuse as abuse_of
from devtools.bench import buyers
from devtools.bench.buyers import Shop
from devtools.bench.figures import (
    Figures,
    Target,
    at_least,
    at_most,
    judged,
    latency,
    rate,
    ratio,
    slowest_p95,
)
from devtools.bench.filling import multiply_order
from devtools.bench.load import Outcome, converse, fetch
from devtools.bench.machine import busy_processors, cpu_figures
from devtools.bench.pages import first_value, form_to
from devtools.bench.product import Event, Product
from devtools.stack import NotReady

CEILING_CLIENTS = (8, 32)
GROWTH = (0, 10_000, 100_000)

Scenario = Callable[[Product], Figures]


def client(product: Product) -> Figures:
    """The client against the cheapest page: how much of the other figures is the client's own."""
    outcome, figures = product.measure(
        partial(buyers.knock, product.site), clients=product.options.clients_or(8)
    )
    alone = outcome.client_cpu_seconds / outcome.requests if outcome.requests else 0.0
    return {**figures, "client_alone_rate": rate(1, alone)}


def shop(product: Product) -> Figures:
    """Eight strangers look at the page of an event with five ticket types, again and again."""
    event = product.event("Shop")
    script = partial(buyers.look, event.shop)
    _, figures = product.measure(script, clients=product.options.clients_or(8))
    return _told(
        {**figures, "queries_by_step": product.queries_by_step(script)},
        at_least("rate", 500),
        at_most("p95_ms", 60),
    )


def ceiling(product: Product) -> Figures:
    """The bare SQL of a hold by pgbench, with and without waiting for the disk."""
    found = [
        product.ceiling(clients=clients, is_synchronous=waits, seconds=_ceiling_seconds(product))
        for waits in (True, False)
        for clients in CEILING_CLIENTS
    ]
    return {
        "errors": sum(one.errors for one in found),
        **{one.name: {"rate": one.rate, "mean_ms": one.mean_ms} for one in found},
    }


def reserve(product: Product) -> Figures:
    """32 buyers, each a new one every time, take a ticket of one hot type into their hands.

    The ceilings are measured right before and right after: machines that are shared change their pace.
    """
    event = product.event("Reserve")
    script = partial(buyers.hold, event.shop)
    before = _ceilings(product)
    outcome, figures = product.measure(script, clients=product.options.clients_or(32))
    waiting, hasty = (fmean(pair) for pair in zip(before, _ceilings(product), strict=True))
    held = rate(outcome.runs, outcome.seconds)
    figures["ceiling_rate"], figures["asynchronous_ceiling_rate"] = round(waiting), round(hasty)
    figures["ratio_to_ceiling"] = ratio(held, waiting)
    figures["ratio_to_asynchronous_ceiling"] = ratio(held, hasty)
    figures["queries_by_step"] = product.queries_by_step(script)
    _check_stock(product, figures)
    return _told(
        figures, at_least("rate", 200), at_most("p95_ms", 200), at_least("ratio_to_ceiling", 0.25)
    )


def _ceilings(product: Product) -> tuple[float, float]:
    """Holds a second of the database alone with as many clients: waiting for the disk, and not."""
    seconds = _ceiling_seconds(product)
    waiting, hasty = (
        product.ceiling(clients=CEILING_CLIENTS[-1], is_synchronous=waits, seconds=seconds)
        for waits in (True, False)
    )
    return waiting.rate, hasty.rate


def checkout(product: Product) -> Figures:
    """32 buyers at a time buy a free ticket from the first page to the last, the worker at work."""
    event = product.event("Checkout")
    script = partial(buyers.buy, event.shop)
    mails = product.mailbox.mails
    outcome, figures = product.measure(script, clients=product.options.clients_or(32))
    figures["slowest_step_p95_ms"] = slowest_p95(outcome)
    figures["queries_per_purchase"] = round(
        _number(figures, "queries_per_request") * outcome.requests / max(outcome.runs, 1), 1
    )
    mails_meanwhile = product.mailbox.mails - mails
    sent = product.wait_until_sent(event)
    figures |= {
        "orders": sent.orders,
        "mails_sent": sent.sent,
        "mails_sent_meanwhile": mails_meanwhile,
        "mails_out_after_seconds": sent.seconds,
    }
    if sent.failed:
        _add_error(figures, f"{sent.failed} mails failed")
    figures["queries_by_step"] = product.queries_by_step(script)
    _check_stock(product, figures)
    return _told(figures, at_least("rate", 40), at_most("slowest_step_p95_ms", 400))


def rush(product: Product) -> Figures:
    """200 places, 1,000 buyers at the same moment, each on a connection of its own."""
    places, crowd = product.options.scaled(200), product.options.scaled(1000)
    event = product.event("Rush", places=places)
    # The site has been up for a while when a sale opens.
    product.measure(partial(buyers.look, event.shop), clients=8, count=200, warm_up=False)
    outcome, figures = product.measure(
        partial(buyers.rush, event.shop), clients=crowd, count=crowd, warm_up=False
    )
    orders, tickets = product.sold(event)
    figures |= {
        "seconds": round(outcome.seconds, 2),
        "answered": outcome.runs,
        "bought": outcome.endings["bought"],
        "sold_out": outcome.endings["sold out"],
        "orders": orders,
        "tickets": tickets,
    }
    if (orders, tickets, outcome.endings["bought"]) != (places, places, places):
        _add_error(figures, f"{orders} orders and {tickets} tickets for {places} places")
    _check_stock(product, figures)
    return _told(figures, at_most("seconds", 10), at_least("answered", crowd))


def documents(product: Product) -> Figures:
    """The mails and PDFs of 1,000 orders, all of which stand before the worker begins."""
    event = product.event("Documents")
    count = product.options.scaled(1000)
    mails, size = product.mailbox.mails, product.mailbox.bytes
    with product.paused_worker():
        product.place_orders(event, count)
    before, began = product.spent(), time.monotonic()
    sent = product.wait_until_sent(event)
    took, seconds = product.spent().since(before), time.monotonic() - began
    came = product.mailbox.mails - mails
    figures: Figures = {
        "orders": sent.orders,
        "mails_sent": sent.sent,
        "mails_arrived": came,
        "kilobytes_per_mail": round((product.mailbox.bytes - size) / max(came, 1) / 1000, 1),
        "seconds": sent.seconds,
        "rate": rate(sent.sent, sent.seconds),
        "errors": 0,
        "worker_cpu_ms_per_order": round(took.parts["worker"] / count * 1000, 1),
        **cpu_figures(took, seconds=seconds),
    }
    if (sent.orders, sent.sent, sent.failed) != (count, count, 0) or came < count:
        _add_error(figures, f"{count} orders, {sent.sent} mails, {came} arrived")
    return _told(figures, at_most("seconds", 90))


def saturated(product: Product) -> Figures:
    """An order a second for two minutes, while as many loops as processors want all of them."""
    event = product.event("Saturated")
    count = product.options.scaled(120)
    before = product.spent()
    with busy_processors() as loops:
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number - time.monotonic()))
            converse(
                product.site, buyers.buy(event.shop, product.next_numbers(1)), lambda _step: None
            )
        seconds = time.monotonic() - began
        took, of_loops = product.spent().since(before), loops.spent()
    ages = product.mail_ages(event)
    sent = product.wait_until_sent(event)
    figures: Figures = {
        "orders": sent.orders,
        "seconds": round(seconds, 1),
        "mails_sent_meanwhile": ages.sent,
        "oldest_mail_seconds": ages.oldest_seconds,
        "median_mail_seconds": ages.median_seconds,
        "errors": 0,
        "loops_cpu_seconds": round(of_loops, 1),
        **cpu_figures(took, seconds=seconds),
    }
    if (sent.orders, sent.sent, sent.failed) != (count, count, 0):
        _add_error(figures, f"{count} orders, {sent.sent} mails, {sent.failed} failed")
    return _told(figures, at_most("oldest_mail_seconds", 60))


def abuse(product: Product) -> Figures:
    """Shop and checkout without and with an attacker beside them, in turn: what honest people keep.

    Each is measured undisturbed, attacked, and undisturbed again, because machines change their pace.
    """
    event = product.event("Abuse")
    order = _own_order(product, event.shop)
    waitlist = f"{product.sold_out_event('Sold out')}waitlist/"
    target = abuse_of.Target(
        site=product.site,
        shop=event.shop.path,
        field=f"quantity_{event.shop.code}",
        order=order,
        waitlist=waitlist,
        wish=first_value(fetch(product.site, waitlist).text, "wishes"),
    )
    figures: Figures = {"errors": 0}
    for name, script, clients in (
        ("shop", partial(buyers.look, event.shop), 8),
        ("checkout", partial(buyers.buy, event.shop), 32),
    ):
        before, *_ = _rate_of(product, script, clients)
        with abuse_of.attacked(target) as seen:
            beside, p95, errors = _rate_of(product, script, clients)
        after, *_ = _rate_of(product, script, clients)
        figures |= {
            f"{name}_rate": beside,
            f"{name}_usual_rate": round(fmean((before, after)), 1),
            f"{name}_ratio": ratio(beside, fmean((before, after))),
            f"{name}_p95_ms": p95,
            f"{name}_attack": {what: dict(counted) for what, counted in seen.items()},
        }
        figures["errors"] += errors  # type: ignore[operator]
        product.wait_until_sent(event)
    _check_stock(product, figures)
    return _told(figures, at_least("shop_ratio", 0.8), at_least("checkout_ratio", 0.8))


def _rate_of(
    product: Product, script: Callable[[int], buyers.Script], clients: int
) -> tuple[float, float, int]:
    _, figures = product.measure(script, clients=product.options.clients_or(clients))
    return (
        _number(figures, "rate"),
        _number(figures, "p95_ms"),
        int(_number(figures, "errors")),
    )


def _own_order(product: Product, shop: Shop) -> str:
    """The path of an order that the attacker placed."""
    where = ""

    def buying() -> buyers.Script:
        nonlocal where
        script = buyers.buy(shop, product.next_numbers(1))
        answer = None
        with suppress(StopIteration):
            while True:
                ask = script.send(answer) if answer is not None else next(script)
                answer = yield ask
                where = urlsplit(answer.location).path if "/orders/" in answer.location else where
        return "bought"

    converse(product.site, buying(), lambda _step: None)
    return where


def memory(product: Product) -> Figures:
    """Resident memory of each web process after pages and purchases."""
    event = product.event("Memory")
    looked, _ = product.measure(
        partial(buyers.look, event.shop), clients=product.options.clients_or(8)
    )
    bought, _ = product.measure(
        partial(buyers.buy, event.shop), clients=product.options.clients_or(32)
    )
    found = product.memory_of_web()
    figures: Figures = {
        "requests": looked.requests + bought.requests,
        "processes": [{"rss_mb": one.rss_mb, "pss_mb": one.pss_mb} for one in found],
        "largest_rss_mb": max(one.rss_mb for one in found),
        "largest_pss_mb": max(one.pss_mb for one in found),
        "errors": looked.errors + bought.errors,
    }
    if first := looked.first_error or bought.first_error:
        figures["first_error"] = first
    return _told(figures, at_most("largest_rss_mb", 150))


def growth(product: Product) -> Figures:
    """Hold and confirmation with 0, 10,000 and 100,000 orders sold before in the same event."""
    event = product.event("Growth")
    script = partial(buyers.buy_blindly, event.shop, _details(product, event.shop))
    converse(product.site, script(product.next_numbers(1)), lambda step: None)
    product.wait_until_sent(event)

    levels: list[Figures] = []
    first_rate = first_p50 = 0.0
    errors, first_error, filled = 0, "", 0
    # The worker stands still, so that every level competes with nothing.
    with product.paused_worker():
        for level in GROWTH:
            wanted = product.options.scaled(level) if level else 0
            if wanted > filled:
                _fill(product, event, wanted - filled, number=filled + 1)
                filled = wanted
            before, _ = product.sold(event)
            outcome, figures = product.measure(script, clients=product.options.clients_or(8))
            pair_p50 = _sum_of_p50(outcome)
            first_rate, first_p50 = first_rate or _number(figures, "rate"), first_p50 or pair_p50
            levels.append(
                {
                    "sold_before": before,
                    "rate": figures["rate"],
                    "p50_ms": round(pair_p50, 1),
                    "steps": {step: latency(took) for step, took in outcome.latencies.items()},
                    "queries_per_request": figures["queries_per_request"],
                    "sql_ms_per_request": figures["sql_ms_per_request"],
                    "cpu_ms_per_request": figures["cpu_ms_per_request"],
                    "cpu_other_seconds": figures["cpu_other_seconds"],
                    "rate_to_first": ratio(_number(figures, "rate"), first_rate),
                    "p50_to_first": ratio(pair_p50, first_p50),
                }
            )
            errors += outcome.errors
            first_error = first_error or outcome.first_error
        figures = {"levels": levels, "errors": errors}
        if first_error:
            figures["first_error"] = first_error
        _check_stock(product, figures)
    return figures


SCENARIOS: dict[str, Scenario] = {
    "client": client,
    "shop": shop,
    "ceiling": ceiling,
    "reserve": reserve,
    "checkout": checkout,
    "rush": rush,
    "documents": documents,
    "saturated": saturated,
    "abuse": abuse,
    "memory": memory,
    # Last: it leaves work that nobody waits for.
    "growth": growth,
}


def _ceiling_seconds(product: Product) -> float:
    return min(product.options.seconds, 5.0)


def _details(product: Product, shop: Shop) -> dict[str, str]:
    """The fields of a checkout, read from one."""
    where = ""

    def take() -> buyers.Script:
        nonlocal where
        message = shop.site.post(shop.choice.action, shop.chosen(shop.choice))
        held = yield buyers.Ask("hold", message, buyers.SEE_OTHER)
        where = held.location
        return "held"

    converse(shop.site, take(), lambda step: None)
    return form_to(fetch(shop.site, where).text, where).fields


def _fill(product: Product, event: Event, count: int, *, number: int) -> None:
    began = time.monotonic()
    connection = product.statements.connection
    row = connection.execute(
        "SELECT min(id) FROM orders_order WHERE event_id = %s", [event.pk]
    ).fetchone()
    assert row is not None
    multiply_order(connection, int(row[0]), first=number, count=count)
    # As after a while: statistics are fresh and nothing waits to be written.
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")
    product.say(f"  growth: {count} orders made in {time.monotonic() - began:.1f} s")


def _sum_of_p50(outcome: Outcome) -> float:
    """Milliseconds of a hold and its confirmation, each at its median."""
    found = [step[(len(step) - 1) // 2] * 1000 for step in outcome.latencies.values() if step]
    return sum(found)


def _check_stock(product: Product, figures: Figures) -> None:
    try:
        figures["inventory"] = product.differences()
    except NotReady as differing:
        _add_error(figures, str(differing).splitlines()[-1])


def _add_error(figures: Figures, text: str) -> None:
    figures["errors"] = int(_number(figures, "errors")) + 1
    figures.setdefault("first_error", text)


def _number(figures: Figures, name: str) -> float:
    found = figures.get(name, 0)
    assert isinstance(found, int | float)
    return found


def _told(figures: Figures, *targets: Target) -> Figures:
    return {**figures, **judged(figures, targets)}
