"""Style sheets, posters and the service worker, served from memory."""

from json import dumps
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_header_parameters
from django.views.decorators.http import require_safe

from tiqqo.ui import colour, posters, stylesheets

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
def offline(request: HttpRequest) -> HttpResponse:
    return render(request, "errors/offline.html")


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. It names what it keeps, so that it changes when that changes."""
    bundle = reverse("ui:stylesheet", args=[stylesheets.bundle().digest])
    lost = reverse("ui:poster", args=[posters.seed_of("lost"), colour.TIQQO.removeprefix("#")])
    files = [static("vendor/fonts/familjen-grotesk-latin-wght-normal.woff2"), lost, bundle]
    head = f"const PAGE = {dumps(reverse('ui:offline'))};\nconst FILES = {dumps(files)};\n"
    code = (Path(settings.ROOT) / "static/js/worker.js").read_text("utf-8")
    response = HttpResponse(head + code, content_type="text/javascript")
    response["Service-Worker-Allowed"] = "/"
    patch_cache_control(response, no_cache=True)
    return response


def _accepts_gzip(request: HttpRequest) -> bool:
    offered = request.headers.get("accept-encoding", "").split(",")
    return any(parse_header_parameters(part)[0] == "gzip" for part in offered)


def _keep(response: HttpResponse, *, for_ever: bool) -> None:
    if for_ever:
        patch_cache_control(response, public=True, max_age=A_YEAR, immutable=True)
    else:
        patch_cache_control(response, public=True, max_age=60)
