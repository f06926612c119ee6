"""When the connection is gone, a page of the dashboard says so, and comes back with it."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")  # one stack serves them all

HOME = "/o/blauwe-kikker/"
IS_KEPT = """
async () => {
  await navigator.serviceWorker.ready;
  return (await caches.match("/ui/offline/")) !== undefined;
}
"""


def test_a_page_that_cannot_be_fetched_says_so(visit, key):
    somebody = visit(storage_state=key("ana@blauwekikker.example"))
    somebody.open(HOME)
    assert somebody.page.evaluate(IS_KEPT)
    somebody.expects("ERR_INTERNET_DISCONNECTED")

    somebody.context.set_offline(True)
    somebody.page.goto(f"{HOME}events/")

    expect(somebody.page.get_by_role("heading", level=1)).to_have_text("You are offline")
    assert somebody.page.evaluate("getComputedStyle(document.body).display") == "grid"
    assert somebody.page.evaluate("document.querySelector('.focus__poster').naturalWidth") > 0
    somebody.context.set_offline(False)
    somebody.page.get_by_role("link", name="Try again").click()
    expect(somebody.page.get_by_role("heading", level=1)).to_have_text("Events")
