"""The orders desk, below `/o/<organiser>/events/<event>/`."""

from django.urls import path

from orders.views import desk

app_name = "orders"
urlpatterns = [
    path("orders/", desk.order_list, name="list"),
    path("orders.csv", desk.order_csv, name="csv"),
    path("badges.pdf", desk.badges, name="badges"),
    path("orders/new/", desk.new_order, name="new"),
    path("orders/<str:code>/", desk.order, name="order"),
    path("orders/<str:code>/invoice/", desk.invoice, name="invoice"),
    path("orders/<str:code>/invoice.pdf", desk.invoice_pdf, name="invoice_pdf"),
    path("orders/<str:code>/badges.pdf", desk.order_badges, name="order_badges"),
    path("orders/<str:code>/acceptance/", desk.acceptance, name="acceptance"),
    path("orders/<str:code>/due/", desk.due_date, name="due"),
    path("orders/<str:code>/settlement/", desk.settlement, name="settlement"),
    path("orders/<str:code>/cancellation/", desk.order_cancellation, name="cancellation"),
    path("orders/<str:code>/deliveries/", desk.deliveries, name="deliveries"),
    path("people/", desk.people, name="people"),
]
