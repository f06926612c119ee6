"""Style sheets and posters served from memory, and the style guide."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_header_parameters
from django.views.decorators.http import require_safe

from tiqqo.ui import colour, posters, specimens, stylesheets
from tiqqo.ui.specimens.views import for_builders

A_YEAR = 365 * 24 * 60 * 60


@require_safe
def stylesheet(request: HttpRequest, digest: str) -> HttpResponse:
    """The bundle. An old name still answers during a release, but is not kept for long."""
    bundle = stylesheets.bundle()
    is_zipped = _accepts_gzip(request)
    response = HttpResponse(bundle.zipped if is_zipped else bundle.text, content_type="text/css")
    if is_zipped:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    _keep(response, for_ever=digest == bundle.digest)
    return response


@require_safe
def theme(request: HttpRequest, accent: str) -> HttpResponse:
    if not colour.is_hex(accent):
        raise Http404("An accent is six hexadecimal digits.")
    response = HttpResponse(colour.theme_css(accent), content_type="text/css")
    _keep(response, for_ever=True)
    return response


@require_safe
def poster(request: HttpRequest, seed: str, accent: str) -> HttpResponse:
    if not (posters.is_seed(seed) and colour.is_hex(accent)):
        raise Http404("A poster is ten hexadecimal digits and an accent of six.")
    response = HttpResponse(posters.svg(seed, accent), content_type="image/svg+xml")
    _keep(response, for_ever=True)
    return response


@require_safe
@for_builders
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    return render(request, "styleguide/page.html", specimens.all_specimens())


def _accepts_gzip(request: HttpRequest) -> bool:
    offered = request.headers.get("accept-encoding", "").split(",")
    return any(parse_header_parameters(part)[0] == "gzip" for part in offered)


def _keep(response: HttpResponse, *, for_ever: bool) -> None:
    if for_ever:
        patch_cache_control(response, public=True, max_age=A_YEAR, immutable=True)
    else:
        patch_cache_control(response, public=True, max_age=60)
