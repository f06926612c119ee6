"""What a mail to a buyer is called outside this installation."""

from django.utils.crypto import salted_hmac


def delivery_mark(order_id: int, kind: str, number: int, *, secret_key: str | None = None) -> str:
    """32 hexadecimal digits that only `secret_key`, which is SECRET_KEY, makes of these three."""
    named = f"{order_id}.{kind}.{number}"
    mark = salted_hmac("orders.delivery", named, secret=secret_key, algorithm="sha256")
    return mark.hexdigest()[:32]
