"""The only clock."""

from datetime import datetime, timedelta

from django.utils import timezone


def now() -> datetime:
    """The current instant, in UTC."""
    return timezone.now()


DAY = timedelta(days=1)
