"""Refusals that people are told about."""

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A rule of the domain said no.

    `code` is for machines, `message` tells a person what happened and what to do, `field` names the
    form field it concerns, and attributes carry the facts.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409
    message: str | Promise = _("That is not possible right now.")
    field: str | None = None

    def __init__(self, message: str | Promise | None = None, **facts: Any) -> None:
        if message is not None:
            self.message = message
        for name, value in facts.items():
            setattr(self, name, value)
        self.facts = facts
        super().__init__(str(self.message))

    def __str__(self) -> str:
        return str(self.message)


class Busy(DomainError):
    """Nothing is wrong with what was asked; in a moment it can be done."""

    code = "busy"
    status = 503
    retry_after_seconds: ClassVar[int] = 2
    message = _("Very busy right now. Nothing was changed: please try again in a few seconds.")


class NotPermitted(DomainError):
    code = "not_permitted"
    status = 403
    message = _("Your role does not allow this. Ask an owner of the organiser for access.")


class Invalid(DomainError):
    """Input that breaks a rule; raise with `field=` so that the form can say it in place."""

    code = "invalid"
    status = 422
