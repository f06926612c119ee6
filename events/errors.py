"""What the events app refuses, and why."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from tiqqo.core.errors import DomainError, Invalid


class EndsBeforeStart(Invalid):
    code = "ends_before_start"
    field = "ends_at"
    message = _("The end must be after the start.")


class DatesMissing(Invalid):
    code = "dates_missing"
    field = "starts_at"
    message = _("A published event needs a start and an end.")


class NotReady(DomainError):
    """Raised by publish_event; `reasons` are the blocking items of the checklist."""

    code = "not_ready"
    message = _("The event is not ready to be published.")
    reasons: Sequence[str] = ()


class WrongStatus(DomainError):
    code = "wrong_status"
    message = _("The event's status does not allow this.")
