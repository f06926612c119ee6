"""What this app announces, after the commit. Receivers only enqueue; nothing depends on them."""

from django.dispatch import Signal

# An order's money is in (or there is none to pay): sends `order_id`, `organiser_id`.
order_settled = Signal()
