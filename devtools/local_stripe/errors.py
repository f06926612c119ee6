"""Refusals in the shape that Stripe's clients understand: https://docs.stripe.com/api/errors."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from localstripe.errors import UserError  # type: ignore[import-untyped]


class StripeError(Exception):
    """An answer that `stripe` raises as one of its own exceptions.

    `executed` says that the refusal came out of carrying the request out (its parameters were fine, the state of
    things was not). An idempotency key remembers such a refusal, and forgets one of wrong parameters:
    https://docs.stripe.com/api/idempotent_requests.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        executed: bool = False,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self.should_retry = should_retry
        fields = {
            "type": kind,
            "message": message,
            "code": code,
            "decline_code": decline_code,
            "param": param,
        }
        self.error = {name: value for name, value in fields.items() if value is not None}
        if code is not None:
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes/{code.replace('_', '-')}"

    def response(self) -> web.Response:
        headers = {}
        if self.should_retry is not None:
            # https://docs.stripe.com/error-low-level#should-retry
            headers["Stripe-Should-Retry"] = "true" if self.should_retry else "false"
        return web.json_response({"error": self.error}, status=self.status, headers=headers)


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """A request whose parameters are wrong, whatever the state of things."""
    return StripeError(400, message, param=param, code=code)


def refused(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """A well-formed request that the state of things does not allow."""
    return StripeError(400, message, param=param, code=code, executed=True)


def missing(kind: str, object_id: str, *, param: str) -> StripeError:
    return StripeError(
        404,
        f"No such {kind}: '{object_id}'",
        code="resource_missing",
        param=param,
        executed=True,
    )


def parameter_missing(param: str) -> StripeError:
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def parameter_unknown(param: str) -> StripeError:
    return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def of_status(status: int, *, code: str | None = None, message: str | None = None) -> StripeError:
    """The documented error of an HTTP status, with another `code` or `message` where they are given.

    Statuses and types: https://docs.stripe.com/api/errors; codes: https://docs.stripe.com/error-codes;
    429: https://docs.stripe.com/rate-limits (a lock timeout is worth another try, and says so).
    """
    if status not in _OF_STATUS:
        raise invalid(
            f"status is one of {', '.join(map(str, _OF_STATUS))}; cut or hang for no answer at all",
            param="status",
        )
    fields: dict[str, Any] = dict(_OF_STATUS[status])
    text = message or fields.pop("message")
    fields.pop("message", None)
    if code is not None:
        fields["code"] = code
    if code == "lock_timeout":
        fields["kind"] = "invalid_request_error"
        fields["should_retry"] = True
        text = message or (
            "This object cannot be accessed right now because another API request or Stripe process is currently "
            "accessing it. If you see this error intermittently, retry the request."
        )
    return StripeError(status, text, **fields)


_API_ERROR = "An unknown error occurred. Please let us know at https://support.stripe.com."
_OF_STATUS: dict[int, dict[str, Any]] = {
    400: {"message": "The request was unacceptable."},
    401: {"message": "Invalid API Key provided: sk_test_****"},
    402: {
        "kind": "card_error",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": "Your card was declined.",
    },
    403: {"message": "The provided key does not have the required permissions."},
    404: {"code": "resource_missing", "message": "No such object"},
    409: {
        "kind": "idempotency_error",
        "code": "idempotency_key_in_use",
        "message": "There is currently another in-progress request using this Idempotent Key.",
    },
    429: {"code": "rate_limit", "message": "Request rate limit exceeded."},
    500: {"kind": "api_error", "message": _API_ERROR},
    502: {"kind": "api_error", "message": _API_ERROR},
    503: {"kind": "api_error", "message": _API_ERROR},
    504: {"kind": "api_error", "message": _API_ERROR},
}


def translated(request: web.Request, error: UserError) -> StripeError:
    """One of localstripe's terse refusals as Stripe words it."""
    object_id = request.match_info.get("id")
    if error.code == 404 and object_id:
        return missing(request.path.split("/")[2].removesuffix("s"), object_id, param="id")
    fields = {
        name: error.body["error"][name]
        for name in ("code", "param", "decline_code")
        if error.body["error"].get(name)
    }
    return StripeError(
        error.code,
        str(error.body["error"].get("message", "Bad request")),
        kind="card_error" if error.code == 402 else "invalid_request_error",
        executed=error.code in (402, 404, 409),
        **fields,
    )
