"""The hosted card page: server-rendered, without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from pathlib import Path

from aiohttp import web

from . import money
from .cards import TEST_CARDS, FormErrors, email_problem, read_card_form
from .errors import StripeError
from .sessions import Checkout, CheckoutSession

_STYLESHEET = (Path(__file__).parent / "pay.css").read_text()
_HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: browsers apply it to the redirect back to the shop as well.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


class HostedPages:
    """What the buyer's browser sees."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/c/pay.css", self.stylesheet),
            web.get("/c/pay/{id}", self.show),
            web.post("/c/pay/{id}", self.submit),
            web.get("/c/pay/{id}/3ds", self.show_authentication),
            web.post("/c/pay/{id}/3ds", self.answer_authentication),
        ]

    async def stylesheet(self, _request: web.Request) -> web.Response:
        return web.Response(text=_STYLESHEET, content_type="text/css")

    async def show(self, request: web.Request) -> web.Response:
        session = self._find(request)
        if session is None:
            return _not_found()
        if session.status != "open":
            return _closed(session)
        return _card_page(session, values={"email": session.fields["customer_email"] or ""})

    async def submit(self, request: web.Request) -> web.Response:
        session = self._find(request)
        if session is None:
            return _not_found()
        if session.status != "open":
            return _see(session.success_url) if session.status == "complete" else _closed(session)
        values = {name: str(value) for name, value in (await request.post()).items()}
        return (
            self._submit_card(session, values)
            if session.amount_total
            else self._submit_free(session, values)
        )

    async def show_authentication(self, request: web.Request) -> web.Response:
        session = self._find(request)
        if session is None:
            return _not_found()
        if not _awaits_authentication(session):
            return _see(f"/c/pay/{session.id}")
        return _authentication_page(session)

    async def answer_authentication(self, request: web.Request) -> web.Response:
        session = self._find(request)
        if session is None:
            return _not_found()
        if not _awaits_authentication(session):
            return _see(f"/c/pay/{session.id}")
        answer = (await request.post()).get("outcome")
        if answer not in ("complete", "fail"):
            return _authentication_page(session, status=422)
        if self._checkout.authenticate(session, success=answer == "complete") == "paid":
            return _see(session.success_url)
        customer = session.customer_details or {}
        values = {name: str(customer.get(name) or "") for name in ("email", "name")}
        return _card_page(
            session, values=values, errors={"card_number": _refusal(session)}, status=402
        )

    def _submit_card(self, session: CheckoutSession, values: dict[str, str]) -> web.Response:
        try:
            card = read_card_form(values)
        except FormErrors as problem:
            return _card_page(session, values=values, errors=problem.errors, status=422)

        outcome = self._checkout.pay(session, card)
        if outcome == "paid":
            return _see(session.success_url)
        if outcome == "requires_action":
            return _see(f"/c/pay/{session.id}/3ds")
        return _card_page(
            session, values=values, errors={"card_number": _refusal(session)}, status=402
        )

    def _submit_free(self, session: CheckoutSession, values: dict[str, str]) -> web.Response:
        email = values.get("email", "").strip()
        if problem := email_problem(email):
            return _card_page(session, values=values, errors={"email": problem}, status=422)
        self._checkout.complete_free(session, email=email, name=values.get("name", "").strip())
        return _see(session.success_url)

    def _find(self, request: web.Request) -> CheckoutSession | None:
        try:
            return self._checkout.find(request.match_info["id"])
        except StripeError:
            return None


def _awaits_authentication(session: CheckoutSession) -> bool:
    return (
        session.status == "open"
        and session.intent is not None
        and session.intent.status == "requires_action"
    )


def _refusal(session: CheckoutSession) -> str:
    error = session.intent.last_payment_error if session.intent else None
    return str(error["message"]) if error else "Your card was declined."


def _card_page(
    session: CheckoutSession,
    *,
    values: dict[str, str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> web.Response:
    errors = errors or {}
    total = money.shown(session.amount_total, session.currency)
    title = f"Pay {total}" if session.amount_total else "Complete your order"
    closes = datetime.fromtimestamp(session.expires_at, UTC)

    def field(name: str, label: str, attributes: str) -> str:
        return _field(name, label, attributes, value=values.get(name, ""), error=errors.get(name))

    fixed = "readonly" if session.fields["customer_email"] else ""
    email = field("email", "Email", f'type="email" autocomplete="email" {fixed}')
    name = field("name", "Name on card", 'autocomplete="cc-name"')
    number = field(
        "card_number",
        "Card number",
        'inputmode="numeric" autocomplete="cc-number" placeholder="1234 1234 1234 1234"',
    )
    expiry = field(
        "expiry", "Expiry", 'inputmode="numeric" autocomplete="cc-exp" placeholder="MM / YY"'
    )
    # A security code is never sent back to the page.
    cvc = _field(
        "cvc",
        "CVC",
        'inputmode="numeric" autocomplete="cc-csc" maxlength="4"',
        value="",
        error=errors.get("cvc"),
    )
    card = f'{number}<div class="pair">{expiry}{cvc}</div>{name}' if session.amount_total else ""
    body = f"""
<h1>{escape(title)}</h1>
{_error_summary(errors)}
{_order_table(session)}
<form method="post" action="/c/pay/{session.id}" novalidate>
<h2>{"Card details" if session.amount_total else "Your details"}</h2>
{email}{card}
<button type="submit">{escape(title)}</button>
{_back_link(session)}
</form>
{_test_cards() if session.amount_total else ""}
<p class="hint">This page is open until
<time datetime="{closes.isoformat()}">{closes:%-d %B %Y, %H:%M} UTC</time>.</p>
"""
    return _page(f"Error: {title}" if errors else title, body, status=status)


def _authentication_page(session: CheckoutSession, *, status: int = 200) -> web.Response:
    total = money.shown(session.amount_total, session.currency)
    body = f"""
<h1>3-D Secure authentication</h1>
<p>Your bank asks you to confirm this payment of <strong>{escape(total)}</strong>. This is the test bank:
choose what it should answer.</p>
<form method="post" action="/c/pay/{session.id}/3ds">
<button type="submit" name="outcome" value="complete">Complete authentication</button>
<button type="submit" name="outcome" value="fail" class="second">Fail authentication</button>
</form>
"""
    return _page("3-D Secure authentication", body, status=status)


def _closed(session: CheckoutSession) -> web.Response:
    if session.status == "complete":
        title, status = "This checkout is complete", 200
        text = "This order has already been paid. There is nothing more to do here."
        link = f'<p><a href="{escape(session.success_url)}">See your order</a></p>'
    else:
        title, status = "This checkout session has expired", 410
        text = "Nothing was charged. Go back to the shop to start again."
        link = _back_link(session)
    return _page(title, f"<h1>{title}</h1><section><p>{text}</p>{link}</section>", status=status)


def _not_found() -> web.Response:
    title = "There is no such checkout session"
    return _page(
        title,
        f"<h1>{title}</h1><section><p>Check that the address is complete.</p></section>",
        status=404,
    )


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – Local Stripe</title>
<link rel="stylesheet" href="/c/pay.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><p class="banner">Local Stripe — test mode. No money moves.</p></header>
<main>{body}</main>
</body>
</html>
"""
    return web.Response(text=html, content_type="text/html", status=status, headers=_HEADERS)


def _see(url: str) -> web.Response:
    return web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def _field(name: str, label: str, attributes: str, *, value: str, error: str | None) -> str:
    about = (
        f'<p class="error" id="{name}-error"><span>Error:</span> {escape(error)}</p>'
        if error
        else ""
    )
    state = f'aria-invalid="true" aria-describedby="{name}-error"' if error else ""
    return f"""<div class="field">
<label for="{name}">{label}</label>{about}
<input id="{name}" name="{name}" value="{escape(value)}" {attributes} {state} required>
</div>"""


def _error_summary(errors: dict[str, str]) -> str:
    if not errors:
        return ""
    links = "".join(
        f'<li><a href="#{name}">{escape(message)}</a></li>' for name, message in errors.items()
    )
    return f'<div class="alert" role="alert" tabindex="-1" autofocus><h2>There is a problem</h2><ul>{links}</ul></div>'


def _order_table(session: CheckoutSession) -> str:
    rows = "".join(_order_row(item) for item in session.line_items)
    total = escape(money.shown(session.amount_total, session.currency))
    return f"""<section><table><caption>Your order</caption>
<tbody>{rows}</tbody>
<tfoot><tr><th scope="row">Total</th><td class="amount">{total}</td></tr></tfoot>
</table></section>"""


def _order_row(item: dict[str, object]) -> str:
    price = item["price"]
    assert isinstance(price, dict)
    about = price["product_data"]["description"]
    each = money.shown(price["unit_amount"], price["currency"])
    quantity = item["quantity"]
    details = f"{quantity} × {each}" + (f" · {about}" if about else "")
    return (
        f'<tr><th scope="row">{escape(str(item["description"]))}<small>{escape(details)}</small></th>'
        f'<td class="amount">{escape(money.shown(int(str(item["amount_total"])), price["currency"]))}</td></tr>'
    )


def _back_link(session: CheckoutSession) -> str:
    return f'<p><a href="{escape(session.cancel_url)}">Back</a></p>' if session.cancel_url else ""


def _test_cards() -> str:
    rows = "".join(
        f"<dt><code>{card.spaced}</code></dt><dd>{card.outcome}</dd>"
        for card in TEST_CARDS.values()
    )
    return (
        "<details><summary>Test cards</summary><p>Any future expiry date, any 3 digits, any name.</p>"
        f"<dl>{rows}</dl></details>"
    )
