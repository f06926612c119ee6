"""Figures of the status about attempts that were turned away."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Sum

from tiqqo.core import clock
from tiqqo.core.models import SecurityEntry, SecurityKind
from tiqqo.core.status import Figure, register
from tiqqo.core.tenancy import platform_scope

LATELY = timedelta(minutes=10)
# More than people mistype in ten minutes.
MANY = {
    "failed sign-ins": (
        100,
        (
            SecurityKind.SIGN_IN_FAILED,
            SecurityKind.LOCKED_OUT,
            SecurityKind.SECOND_FACTOR_FAILED,
        ),
    ),
    "limits hit": (500, (SecurityKind.LIMIT_HIT,)),
    "bad signatures": (5, (SecurityKind.WEBHOOK_SIGNATURE, SecurityKind.TICKET_SIGNATURE)),
    "refused": (200, (SecurityKind.REFUSED, SecurityKind.FORM_REFUSED)),
}


@register("security")
def _attempts() -> Iterator[Figure]:
    since = clock.now() - LATELY
    with platform_scope("count attempts that were turned away"):
        counts = dict(
            SecurityEntry.objects.filter(last_at__gte=since)
            .order_by()
            .values_list("kind")
            .annotate(times=Sum("count"))
        )
    for name, (many, kinds) in MANY.items():
        times = sum(counts.get(kind.value, 0) for kind in kinds)
        yield Figure(
            f"{name} in 10 minutes",
            times,
            is_bad=times > many,
            hint="somebody tries: see /platform/security/ for who and from where",
        )
