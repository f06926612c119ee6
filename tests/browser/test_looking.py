"""What looks at pages sees their faults: every page here has exactly one."""

import pytest

from tests.browser.looking import DESK, PHONE, faults

pytestmark = pytest.mark.xdist_group("browser")

PAGE = """<!doctype html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body {{ margin: 16px; background: Canvas; color: CanvasText }} :root {{ color-scheme: light dark }}
.cut {{ overflow: hidden; white-space: nowrap; width: 80px }} {style}</style></head>
<body><main><h1>A page</h1>{body}</main></body></html>"""
LONG = "Donaudampfschifffahrtsgesellschaft"


@pytest.fixture
def look_at(chromium):
    """The faults of a page with this in it, at a viewport."""
    contexts = []

    def look_at(body, *, style="", viewport=PHONE):
        size = {"width": viewport.width, "height": viewport.height}
        contexts.append(chromium.new_context(viewport=size, is_mobile=viewport.is_mobile))
        page = contexts[-1].new_page()
        page.set_content(PAGE.format(body=body, style=style))
        return faults(page, viewport)

    yield look_at
    for context in contexts:
        context.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_sound_page_has_no_faults(look_at, viewport):
    assert look_at("<p>Sound.</p><button>Press</button>", viewport=viewport) == []


@pytest.mark.parametrize("viewport", [PHONE, DESK])
@pytest.mark.parametrize(
    ("body", "style", "fault"),
    [
        ("<p>Faint</p>", "p { background: #fff; color: #999 }", "color-contrast: p"),
        ("<input>", "", "label: input"),
        (
            "<button>a</button><button>b</button>",
            "button { width: 12px; height: 12px; padding: 0; border: 0; font-size: 9px }",
            "target-size: button",
        ),
        ("<div class='x'>1</div>", ".x { width: 1500px }", "the page is"),
        (f"<p class='cut'>{LONG}</p>", "", f"“{LONG}” is cut by p.cut"),
        (f"<div class='cut'><b>{LONG}</b></div>", "", f"“{LONG}” is cut by div.cut"),
        (
            "<p class='x'>One<br>Two<br>Three</p>",
            ".x { overflow: hidden; height: 2.5em; line-height: 1.2 }",
            "“Three” is cut by p.x",
        ),
        (f"<p class='x'>{LONG}</p>", ".x { width: 80px }", f"“{LONG}” runs out of p.x"),
        (
            "<p class='x'>Your details</p>",
            ".x { width: 20px; overflow-wrap: anywhere }",
            "“Your” is broken in p.x",
        ),
    ],
)
def test_fault_is_seen(look_at, viewport, body, style, fault):
    found = look_at(body, style=style, viewport=viewport)

    assert any(seen.startswith(fault) for seen in found), found


@pytest.mark.parametrize(
    ("body", "style"),
    [
        (f"<p class='cut' title='{LONG}'>{LONG}</p>", ""),
        (f"<p class='cut truncate'>{LONG}</p>", ""),
        (f"<div class='x' tabindex='0'><p>{LONG * 4}</p></div>", ".x { overflow-x: auto }"),
        ("<p class='x'>Aside</p>", ".x { position: absolute; clip-path: inset(50%) }"),
    ],
)
def test_what_can_be_read_in_full_is_no_fault(look_at, body, style):
    assert look_at(body, style=style, viewport=DESK) == []


@pytest.mark.parametrize(
    ("viewport", "style", "fault"),
    [
        (
            PHONE,
            "@media (prefers-color-scheme: dark) { p { color: #333 } }",
            "dark: color-contrast",
        ),
        (PHONE, "p { width: 350px }", "320 px: the page is"),
        (DESK, "p { width: 700px }", "200 % zoom: the page is"),
        (DESK, "p { width: 5em; height: 2em; overflow: hidden }", "200 % text: "),
    ],
)
def test_fault_of_one_size_or_scheme_is_seen_there_only(look_at, viewport, style, fault):
    style += "" if "5em" not in style else "p { width: 200px; height: 22px; line-height: 1.1 }"

    found = look_at("<p>Words of a sentence</p>", style=style, viewport=viewport)

    assert found and all(seen.startswith(fault) for seen in found), found
