"""The style guide, the style sheets and the pages of errors."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse

from tests.pages import check_content, check_forms, check_head, check_names, parsed, text_of
from tiqqo.core.errors import DomainError
from tiqqo.ui import stylesheets

ROOT = Path(settings.ROOT)
KIB = 1024
PARTS = {
    "field",
    "field_error",
    "field_optional",
    "error_summary",
    "form",
}  # shown by forms


@pytest.fixture
def guide(client):
    response = client.get(reverse("ui:styleguide"))
    assert response.status_code == 200
    return response


def test_every_component_stands_in_the_style_guide():
    specimens = (ROOT / "templates/styleguide/specimens").glob("*.html")
    source = "".join(path.read_text() for path in specimens)
    names = {path.stem for path in (ROOT / "templates/components").glob("*.html")}

    missing = {
        name
        for name in names - PARTS
        if f"components/{name}.html" not in source and f"{{% {name} " not in source
    }
    assert missing == set()
    assert names >= PARTS


def test_every_component_has_a_style_sheet_of_its_name():
    templates = {path.stem for path in (ROOT / "templates/components").glob("*.html")}
    sheets = {path.stem for path in (ROOT / "static/css/components").glob("*.css")}

    assert templates - sheets == {"field_error", "field_optional"}
    assert sheets - templates == {"button"}


def test_style_guide_is_a_sound_page(guide):
    """The client has checked it as every page."""
    assert (
        parsed(guide.content.decode(), is_part=False).find(".//title").text == "Style guide · Tiqqo"
    )


def test_style_guide_is_for_those_who_build(client, settings):
    settings.DEBUG = settings.TESTING = False

    assert client.get(reverse("ui:styleguide")).status_code == 404


def test_all_styles_fit_in_the_budget():
    assert len(stylesheets.bundle().zipped) <= 25 * KIB


def test_own_scripts_fit_in_the_budget():
    scripts = [
        path
        for path in (ROOT / "static/js").rglob("*.js")
        if not path.name.startswith("door") and "door" not in path.parts
    ]

    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in scripts) <= 15 * KIB


def test_layers_come_in_order_and_every_file_is_in():
    text = stylesheets.bundle().text.decode()

    assert text.startswith("@layer reset, base, layout, components, pages, utilities;")
    assert text.count("@layer") == len(stylesheets.layered_files()) + 1
    on_disk = set((ROOT / "static/css").rglob("*.css"))
    for_print = set((ROOT / "static/css/documents").glob("*.css"))
    assert {path for _, path in stylesheets.layered_files()} == on_disk - for_print
    assert text.count("{") == text.count("}")


def test_every_colour_used_is_a_token():
    text = stylesheets.bundle().text.decode()

    used = set(re.findall(r"var\((--color-[\w-]+)", text))
    assert used - set(re.findall(r"(--color-[\w-]+):", text)) == set()


def test_style_sheet_is_kept_for_ever_under_its_own_name(client):
    bundle = stylesheets.bundle()

    response = client.get(
        reverse("ui:stylesheet", args=[bundle.digest]),
        headers={"accept-encoding": "br, gzip"},
    )

    assert response["content-type"] == "text/css"
    assert response["content-encoding"] == "gzip"
    assert "Accept-Encoding" in response["vary"]
    assert {"public", "immutable", "max-age=31536000"} <= set(response["cache-control"].split(", "))
    assert gzip.decompress(response.content) == bundle.text


def test_an_old_style_sheet_still_answers_but_is_not_kept(client):
    response = client.get(reverse("ui:stylesheet", args=["0123456789ab"]))

    assert response.content == stylesheets.bundle().text
    assert response["cache-control"] == "public, max-age=60"


def test_theme_is_made_of_its_accent(client):
    response = client.get("/ui/theme-f2c14e.css")

    assert b"--color-accent:#f2c14e" in response.content
    assert "immutable" in response["cache-control"]
    assert client.get("/ui/theme-plum.css").status_code == 404


def sound(source: str):
    """The tree of a page that was rendered without a response."""
    tree = parsed(source, is_part=False)
    check_head(tree)
    check_content(tree)
    check_names(tree)
    check_forms(tree, "/")
    return tree


@pytest.mark.parametrize("name", ["400", "403", "404", "403_csrf", "errors/429"])
def test_error_pages_have_a_heading_and_a_way_back(name):
    page = sound(render_to_string(f"{name}.html", {}, RequestFactory().get("/")))

    assert page.xpath("//a[@class='button']/@href") == ["/"]


def test_the_page_for_broken_things_needs_nothing():
    page = sound(render_to_string("500.html"))

    assert page.xpath("//h1")[0].text == "Something broke on our side"


def test_a_refusal_says_its_sentence():
    page = sound(
        render_to_string(
            "errors/refused.html",
            {"error": DomainError("Only 2 are left. Choose 2 or fewer.")},
            RequestFactory().get("/"),
        )
    )

    [alert] = page.xpath("//*[contains(@class, 'alert--')]")
    assert text_of(alert) == "Only 2 are left. Choose 2 or fewer."
    assert alert.get("role") == "alert"
