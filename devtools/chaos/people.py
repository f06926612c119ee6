"""Who comes: buyers of three kinds, the organiser at the desk and at the door."""

import asyncio
import json
import re
from dataclasses import dataclass, field, replace
from enum import Enum
from urllib.parse import urlsplit

from devtools.bench.buyers import QUANTITY, filled_in
from devtools.bench.http_client import Answer, Garbled, Site
from devtools.bench.load import Unexpected
from devtools.bench.pages import FormMissing, form_to
from devtools.chaos.mail_sink import Mail
from devtools.chaos.measurements import Log
from devtools.chaos.seed_names import PASSWORD
from devtools.chaos.traffic import OK, SEE_OTHER, GaveUp, Probe, Traffic, Visitor, exchange

SCANNED = frozenset({201, 409})
MOST_BUYERS = 2000
# A buyer who comes back from the payment page looks so often whether the tickets are there.
LOOKS = 12
LOOK_AGAIN_SECONDS = 1.0
# Whoever ordered by invoice looks so often for the mail, as long as the tickets are held.
MAIL_LOOKS = 600
_CONFIRMATION = re.compile(r"(/[\w-]+/[\w-]+/)confirmations/[\w-]+/[\w-]+/")
REDIRECTS = 4
# The sign-in page lets an address try about thirty times a minute, and each experiment begins with one, too.
SIGN_IN_EVERY_SECONDS = 4.0
# Long enough for a limit that counts by the minute.
PATIENT = (10.0,) * 40


@dataclass(frozen=True, slots=True)
class Sale:
    """An event on sale, as `seed` made it."""

    name: str
    owner: str
    """Who can sign in."""
    organiser_id: int
    organiser: str
    event_id: int
    event: str
    free: str
    seat: str
    door_codes: list[str]

    @property
    def path(self) -> str:
        return f"/{self.organiser}/{self.event}/"

    @property
    def dashboard(self) -> str:
        return f"/o/{self.organiser}/events/{self.event}/"

    @property
    def door(self) -> str:
        return f"/door/{self.organiser}/{self.event}/"


class Means(Enum):
    """How somebody pays."""

    FREE = "free"
    CARD = "card"
    INVOICE = "invoice"


# Half of all, a quarter, a quarter.
TURNS = (Means.FREE, Means.CARD, Means.FREE, Means.INVOICE)


@dataclass(slots=True)
class Purchase:
    """What became of one buyer, as the buyer knows it."""

    means: Means
    number: int
    told_code: str = ""
    """The order that the site showed as theirs."""
    session_id: str = ""
    has_paid: bool = False
    gave_up_at: str = ""


@dataclass(slots=True)
class Buyers:
    """All who buy at a sale."""

    sale: Sale
    site: Site
    stripe: Site
    log: Log
    mails: list[Mail] = field(default_factory=list)
    """What the mail server took: who orders by invoice finds the link there that orders."""
    pays: bool = True
    """Else buyers leave the payment page open and go away."""
    purchases: list[Purchase] = field(default_factory=list)

    async def come(self, number: int) -> None:
        """The buyer of this number buys, or gives up."""
        await self.buy(TURNS[number % len(TURNS)], number)

    async def buy(self, means: Means, number: int) -> Purchase:
        purchase = Purchase(means, number)
        self.purchases.append(purchase)
        try:
            await self._buy(purchase, Visitor(self.site, self.log))
        except GaveUp as given_up:
            purchase.gave_up_at = str(given_up)
        except (Unexpected, FormMissing, UnicodeDecodeError) as odd:
            purchase.gave_up_at = f"{type(odd).__name__}: {odd}"
        return purchase

    async def _buy(self, purchase: Purchase, visitor: Visitor) -> None:
        sale, means = self.sale, purchase.means
        page = await visitor.get("shop page", sale.path)
        form = form_to(page.text, "/reservations/")
        code = sale.free if means is Means.FREE else sale.seat
        held = await visitor.post("hold", form.action, {**form.fields, f"{QUANTITY}{code}": "1"})
        checkout = await visitor.get("checkout", held.location)
        form = form_to(checkout.text, held.location)
        filled = filled_in(form, purchase.number)
        if means is Means.INVOICE:
            filled |= {"payment_method": "INVOICE", "company_name": f"Firm {purchase.number}"}
        elif means is Means.CARD:
            filled |= {"payment_method": "CARD"}
        placed = await visitor.post("details", form.action, filled)
        if means is Means.CARD and "/c/pay/" in placed.header("location"):
            await self._pay(purchase, placed)
            if not self.pays:
                return
            placed = await self._come_back(visitor, f"{held.location}return/")
        if means is Means.INVOICE:
            placed = await self._confirm(visitor, filled["email"])
        purchase.told_code = await self._see_order(visitor, placed.location)

    async def _confirm(self, visitor: Visitor, email: str) -> Answer:
        """The buyer opens the link that was mailed, and presses the button. Raises GaveUp."""
        for _ in range(MAIL_LOOKS):
            for mail in self.mails[::-1]:
                link = _CONFIRMATION.search(mail.text)
                if link is not None and link[1] == self.sale.path and email in mail.to:
                    page = await visitor.get("confirmation", link[0])
                    form = form_to(page.text, link[0])
                    return await visitor.post("confirmation", form.action, form.fields)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise GaveUp("confirmation: no mail came")

    async def _see_order(self, visitor: Visitor, location: str) -> str:
        """The code of the order whose page it leads to. Raises Unexpected elsewhere."""
        for _ in range(REDIRECTS):
            answer = await visitor.get("order", location, good=OK | SEE_OTHER)
            if answer.status not in SEE_OTHER:
                return _order_code(location)
            location = answer.location
        raise Unexpected(f"led on and on, at last to {location!r}")

    async def _pay(self, purchase: Purchase, placed: Answer) -> None:
        """On the provider's own page, which no fault of ours stands before."""
        purchase.session_id = urlsplit(placed.header("location")).path.split("/")[3]
        if not self.pays:
            return
        body = json.dumps({"name": f"Buyer {purchase.number}"}).encode()
        message = (
            f"POST /_test/sessions/{purchase.session_id}/pay HTTP/1.1\r\n"
            f"Host: {self.stripe.name}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        try:
            answer = await exchange(self.stripe, message)
        except (OSError, Garbled) as error:
            raise Unexpected(f"the payment page: {error}") from error
        if answer.status != 200:
            raise Unexpected(f"the payment page answered {answer.status}: {answer.text[:200]}")
        purchase.has_paid = True

    async def _come_back(self, visitor: Visitor, path: str) -> Answer:
        """From the payment page to the order, as soon as the site knows of the payment."""
        for _ in range(LOOKS):
            answer = await visitor.get("return", path, good=OK | SEE_OTHER)
            if answer.status in SEE_OTHER:
                return answer
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        raise GaveUp("return: still waiting for the payment")


def _order_code(location: str) -> str:
    """ORGANISER/EVENT/orders/CODE/SECRET. Raises Unexpected elsewhere."""
    parts = location.strip("/").split("/")
    if len(parts) != 5 or parts[2] != "orders":
        raise Unexpected(f"led to {location!r} instead of an order")
    return parts[3]


@dataclass(slots=True)
class Staff:
    """The organiser, signed in: looks at the dashboard, scans at the door, sends invoices."""

    visitor: Visitor
    sale: Sale
    token: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    sign_in_cookies: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    _scans: int = 0

    async def sign_in(self) -> None:
        """Raises GaveUp."""
        stranger = Visitor(self.visitor.site, Log(), patience=PATIENT)
        page = await stranger.get("sign-in page", "/accounts/login/")
        form = form_to(page.text, "/accounts/login/")
        self.fields = {**form.fields, "login": self.sale.owner, "password": PASSWORD}
        self.sign_in_cookies = dict(stranger.cookies)
        self.visitor.cookies = dict(stranger.cookies)
        await self._patient().post("sign-in", "/accounts/login/", self.fields)
        door = await self._patient().get("door page", self.sale.door)
        self.token = form_to(door.text, "/admissions/").fields["csrfmiddlewaretoken"]

    def _patient(self) -> Visitor:
        return replace(self.visitor, log=Log(), patience=PATIENT)

    def probes(self) -> list[Probe]:
        """What somebody who works at the event asks for."""
        site, sale = self.visitor.site, self.sale
        return [
            Probe("shop", lambda: site.get(sale.path), OK),
            Probe("dashboard", lambda: site.get(sale.dashboard, cookies=self.visitor.cookies), OK),
            Probe("door", self._scan, SCANNED),
            Probe(
                "sign-in",
                lambda: site.post("/accounts/login/", self.fields, cookies=self.sign_in_cookies),
                SEE_OTHER,
                every_seconds=SIGN_IN_EVERY_SECONDS,
            ),
            Probe("healthz", lambda: site.get("/healthz"), OK),
            Probe("readyz", lambda: site.get("/readyz"), OK),
        ]

    async def send_invoice(self, code: str) -> bool:
        """The order's invoice is on its way; harmless when it was before."""
        path = f"{self.sale.dashboard}orders/{code}/invoice/"
        fields = {"csrfmiddlewaretoken": self.token}
        try:
            await self.visitor.post("invoice", path, fields)
        except GaveUp:
            return False
        self.sent.add(code)
        return True

    def _scan(self) -> bytes:
        code = self.sale.door_codes[self._scans % len(self.sale.door_codes)]
        self._scans += 1
        # The event is weeks away.
        fields = {"code": code, "gate": "A", "early": "1", "csrfmiddlewaretoken": self.token}
        return self.visitor.site.post(
            f"{self.sale.door}admissions/", fields, cookies=self.visitor.cookies
        )


async def send_invoices(staff: Staff, buyers: Buyers) -> None:
    """The desk answers orders by invoice as they come, until it is cancelled."""
    while True:
        for purchase in list(buyers.purchases):
            code = purchase.told_code
            if purchase.means is Means.INVOICE and code and code not in staff.sent:
                await staff.send_invoice(code)
        await asyncio.sleep(1.0)


def open_the_doors(
    traffic: Traffic, staff: Staff, buyers: Buyers, *, purchases_a_second: float
) -> None:
    """Probes ask and buyers come until the traffic ends."""
    for probe in staff.probes():
        traffic.probe(probe)
    traffic.arrive(buyers.come, every_seconds=1 / purchases_a_second, most=MOST_BUYERS)
