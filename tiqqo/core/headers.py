"""What every answer tells browsers and search engines about itself."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

from tiqqo.core.language import PARAMETER
from tiqqo.core.secret_routes import holds_secret

View = TypeVar("View", bound=Callable[..., Any])

# What no page of ours uses, so that no script that should ever get in can. Not named: what the browser
# keeps to this site anyway and pages use, which are passkeys, the clipboard and the lit screen.
_UNUSED = (
    "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture",
    "encrypted-media", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts",
    "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
NOTHING_PERMITTED = ", ".join(f"{feature}=()" for feature in _UNUSED)
CAMERA_PERMITTED = NOTHING_PERMITTED.replace("camera=()", "camera=(self)")


def uses_camera(view: View) -> View:
    """Its page may ask for the camera; no other may."""

    @wraps(view)
    def permitted(*args: Any, **kwargs: Any) -> Any:
        response = view(*args, **kwargs)
        response["Permissions-Policy"] = CAMERA_PERMITTED
        return response

    return permitted  # type: ignore[return-value]


def found_by_search(response: HttpResponse) -> HttpResponse:
    """Search engines may show this page."""
    response.is_found_by_search = True  # type: ignore[attr-defined]
    return response


class AnswerHeaders:
    """An answer permits no feature of the browser unless its view does, and is not for search engines
    unless its view says so.

    A page in another language may be shown as the page itself; one with anything else in its query
    string, such as a code or a hold, may not. Pictures and styles are part of the pages that show
    them, but where their address holds a secret: what stands there is also kept by nobody on the way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", NOTHING_PERMITTED)
        if holds_secret(request.resolver_match):
            add_never_cache_headers(response)
            response.headers["X-Robots-Tag"] = "noindex"
        elif not _is_for_search(request, response):
            response.headers["X-Robots-Tag"] = "noindex"
        return response


def _is_for_search(request: HttpRequest, response: HttpResponse) -> bool:
    kind = response.headers.get("Content-Type", "")
    if kind.startswith(("image/", "text/css", "text/javascript", "font/")):
        return True
    has_choice = bool(request.META.get("QUERY_STRING")) and request.GET.keys() != {PARAMETER}
    return getattr(response, "is_found_by_search", False) and not has_choice
