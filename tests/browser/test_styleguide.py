"""The style guide: every component in every state is fit for everybody, and none is missing."""

import pytest

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

GUIDE = "/styleguide/"
MORE = {"/styleguide/segment/", "/styleguide/orders/", "/styleguide/papers/"}
# The specimens that show nothing: no words but the heading's, no picture, nothing to type into.
_EMPTY = """
() => [...document.querySelectorAll(".specimen")].filter((specimen) => {
  const title = specimen.querySelector(".specimen__title");
  const has = specimen.innerText.replace(title?.innerText ?? "", "").trim();
  return !has && !specimen.querySelector("svg, img, input, select, textarea");
}).map((specimen) => specimen.id)
"""
# Mails and documents have tests of their own.
_PAGES = """
(guide) => [...new Set([...document.links].map((link) => new URL(link.href).pathname)
  .filter((path) => path.startsWith(guide) && !/[/](mails|documents)[/]/.test(path)))]
"""


def test_style_guide_is_fit_for_everybody(visit):
    reader = visit()
    reader.open(GUIDE)
    pages = {GUIDE, *MORE, *reader.page.evaluate(_PAGES, GUIDE)}

    for path in sorted(pages):
        reader.page.goto(path)  # pages of errors answer with their own status
        reader.look_everywhere(path.strip("/").replace("/", "-"))


def test_every_specimen_shows_something(visit):
    reader = visit()
    reader.open(GUIDE)
    specimens = 0

    for path in {GUIDE, *MORE, *reader.page.evaluate(_PAGES, GUIDE)}:
        reader.page.goto(path)
        specimens += reader.page.locator(".specimen").count()
        assert reader.page.evaluate(_EMPTY) == [], path
    assert specimens >= 30
