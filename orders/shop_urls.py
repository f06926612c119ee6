"""The public shop, below `/<organiser>/<event>/`."""

from django.urls import path

from orders.limits import (
    CHECKOUTS,
    DOCUMENTS,
    HOLDS,
    WAITLIST_JOINS,
    by_client,
)
from orders.views import addresses, buyer, checkout, shop, waitlist

app_name = "shop"
urlpatterns = [
    path("", shop.event_page, name="event"),
    path("calendar.ics", shop.event_calendar, name="event_calendar"),
    path("reservations/", by_client(HOLDS, shop.reservations), name="reservations"),
    path("checkout/<str:secret>/", by_client(CHECKOUTS, checkout.checkout), name="checkout"),
    path("checkout/<str:secret>/extension/", checkout.extension, name="extension"),
    path("checkout/<str:secret>/cancellation/", checkout.cancellation, name="cancellation"),
    path("checkout/<str:secret>/return/", checkout.payment_return, name="return"),
    path("confirmations/<str:code>/<str:secret>/", addresses.address, name="address"),
    path("waitlist/", by_client(WAITLIST_JOINS, waitlist.waitlist), name="waitlist"),
    path("waitlist/mail/", waitlist.mailed, name="waitlist_mailed"),
    path("waitlist/<str:secret>/", waitlist.entry, name="waitlist_entry"),
    path(
        "waitlist/<str:secret>/confirmation/",
        waitlist.confirmation,
        name="waitlist_confirmation",
    ),
    path("waitlist/<str:secret>/departure/", waitlist.departure, name="waitlist_departure"),
    path("orders/<str:code>/<str:secret>/", buyer.order, name="order"),
    path(
        "orders/<str:code>/<str:secret>/tickets.pdf",
        by_client(DOCUMENTS, buyer.tickets_pdf, on="GET"),
        name="tickets_pdf",
    ),
    path(
        "orders/<str:code>/<str:secret>/tickets-phone.pdf",
        by_client(DOCUMENTS, buyer.tickets_phone_pdf, on="GET"),
        name="tickets_phone_pdf",
    ),
    path(
        "orders/<str:code>/<str:secret>/invoice.pdf",
        by_client(DOCUMENTS, buyer.invoice_pdf, on="GET"),
        name="invoice_pdf",
    ),
    path(
        "orders/<str:code>/<str:secret>/substitute/acceptance/",
        buyer.substitute_acceptance,
        name="substitute_acceptance",
    ),
    path(
        "orders/<str:code>/<str:secret>/substitute/refusal/",
        buyer.substitute_refusal,
        name="substitute_refusal",
    ),
    path(
        "orders/<str:code>/<str:secret>/deliveries/",
        buyer.deliveries,
        name="deliveries",
    ),
    path("orders/<str:code>/<str:secret>/<str:ticket>.svg", buyer.qr, name="qr"),
    path("orders/<str:code>/<str:secret>/calendar.ics", buyer.calendar, name="calendar"),
]
