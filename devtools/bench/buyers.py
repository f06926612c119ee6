"""What visitors of a shop do, step by step, as browsers without JavaScript do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from devtools.bench.http_client import Answer, Ask, Site
from devtools.bench.load import Script, Unexpected
from devtools.bench.pages import Form, alert, form_to

SEE_OTHER = frozenset({302, 303})
REFUSED = 409
QUANTITY = "quantity_"
# A page is looked into once in so many times: the client shall cost little.
SAMPLE = 50


@dataclass(frozen=True, slots=True)
class Shop:
    """An event's shop, the release that is bought there, and its form as it was read from the page."""

    site: Site
    path: str
    code: str
    choice: Form = field(default_factory=lambda: Form(""))
    offers: int = 0

    def chosen(self, form: Form) -> dict[str, str]:
        """The form with one ticket chosen."""
        name = QUANTITY + self.code
        if name not in form.fields:
            raise Unexpected(f"the shop does not offer {name}")
        return {**form.fields, name: "1"}


def knock(site: Site, number: int) -> Script:
    """The cheapest page there is: what remains is the client, the server and the way between."""
    yield Ask("health", site.get("/healthz"))
    return "answered"


def look(shop: Shop, number: int) -> Script:
    """A stranger looks at the shop."""
    answer = yield Ask("page", shop.site.get(shop.path))
    if number % SAMPLE == 0:
        found = answer.text.count(f'name="{QUANTITY}')
        if found != shop.offers:
            raise Unexpected(f"the shop shows {found} offers instead of {shop.offers}")
    return "seen"


def hold(shop: Shop, number: int) -> Script:
    """Somebody who has the page already takes a ticket into their hands."""
    held = yield Ask(
        "hold", shop.site.post(shop.choice.action, shop.chosen(shop.choice)), SEE_OTHER
    )
    _refuse_elsewhere(held, shop)
    return "held"


def buy(shop: Shop, number: int) -> Script:
    """A whole free purchase: page, hold, checkout, details, order."""
    jar: dict[str, str] = {}
    page = _kept(jar, (yield Ask("page", shop.site.get(shop.path, cookies=jar))))
    form = form_to(page.text, "/reservations/")
    message = shop.site.post(form.action, shop.chosen(form), cookies=jar)
    held = _kept(jar, (yield Ask("hold", message, SEE_OTHER)))
    return (yield from _check_out(shop, held, number, jar))


def rush(shop: Shop, number: int) -> Script:
    """Somebody who takes a ticket the moment the sale opens, and buys it if there is one left."""
    jar: dict[str, str] = {}
    message = shop.site.post(shop.choice.action, shop.chosen(shop.choice))
    held = _kept(jar, (yield Ask("hold", message, SEE_OTHER | {REFUSED})))
    if held.status == REFUSED:
        if not alert(held.text):
            raise Unexpected("a refusal that gives no reason")
        return "sold out"
    return (yield from _check_out(shop, held, number, jar))


def buy_blindly(shop: Shop, details: Mapping[str, str], number: int) -> Script:
    """Only what writes: the hold, and the details with which it becomes an order."""
    held = yield Ask(
        "hold", shop.site.post(shop.choice.action, shop.chosen(shop.choice)), SEE_OTHER
    )
    _refuse_elsewhere(held, shop)
    filled = filled_in(Form(held.location, dict(details)), number)
    placed = yield Ask("details", shop.site.post(held.location, filled), SEE_OTHER)
    _refuse_elsewhere(placed, shop)
    return "bought"


def _check_out(shop: Shop, held: Answer, number: int, jar: dict[str, str]) -> Script:
    _refuse_elsewhere(held, shop)
    where = held.location
    checkout = _kept(jar, (yield Ask("checkout", shop.site.get(where, cookies=jar))))
    form = form_to(checkout.text, where)
    message = shop.site.post(form.action, filled_in(form, number), cookies=jar)
    placed = _kept(jar, (yield Ask("details", message, SEE_OTHER)))
    _refuse_elsewhere(placed, shop)
    yield Ask("order", shop.site.get(placed.location, cookies=jar))
    return "bought"


def filled_in(form: Form, number: int) -> dict[str, str]:
    """The checkout's form as the buyer of this number fills it in."""
    typed = {
        "first_name": "Robin",
        "last_name": f"Buyer {number}",
        "email": f"robin{number}@example.org",
    }
    if missing := typed.keys() - form.fields.keys():
        raise Unexpected(f"the checkout does not ask for {', '.join(sorted(missing))}")
    return {**form.fields, **typed}


def _kept(jar: dict[str, str], answer: Answer) -> Answer:
    """The answer; its cookies are in the jar."""
    jar.update(answer.cookies)
    return answer


def _refuse_elsewhere(answer: Answer, shop: Shop) -> None:
    if not answer.location.startswith(shop.path):
        raise Unexpected(f"led to {answer.location!r}, which is not below {shop.path}")
