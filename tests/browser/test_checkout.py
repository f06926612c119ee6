"""From the shop to an order that needs no card: holds, races, invoices."""

from tests.browser.shopping import GARDEN, choose, has_tickets, introduce


def test_free_order_has_its_tickets_at_once(visit, viewport):
    buyer = visit(viewport)
    choose(buyer, GARDEN, Friend=2)
    buyer.look("checkout-free")
    introduce(buyer, "Frida", f"Free {viewport.name}")
    buyer.press("Get tickets")

    has_tickets(buyer, 2)
    buyer.look("order-free")
