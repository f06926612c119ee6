"""What checks every page refuses each fault: every page here has exactly one."""

import pytest
from django.http import HttpResponse
from django.urls import path

from tests.pages import CheckedClient, sound_tree

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title></head>
<body><main><h1>Page</h1>{body}</main></body></html>"""
POLICY = "default-src 'none'; style-src 'self'"


def answer(body: str, *, title: str = "Page · Tiqqo", policy: str = POLICY) -> HttpResponse:
    html = PAGE.format(body=body, title=title)
    return HttpResponse(html, headers={"Content-Security-Policy": policy})


def check(response: HttpResponse) -> None:
    sound_tree(response, "/", is_part=False)


@pytest.mark.parametrize(
    "body",
    [
        "<p>Words and <a href='/x'>a link</a></p>",
        "<form method='get' action='/x'><label for='q'>Q</label><input id='q'><button>Go</button></form>",
        "<button type='button' aria-controls='m'>Menu</button><div id='m'></div>",
        "<svg aria-hidden='true'></svg><svg role='img' aria-label='A hall'></svg>",
        "<dl><div><dt>When</dt><dd><p>Now</p></dd></div></dl>",
    ],
)
def test_sound_page_passes(body):
    check(answer(body))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<p><div></div></p>", "not valid HTML"),
        ("<p id='a'></p><p id='a'></p>", "ids stand more than once"),
        ("<p id='a b'></p>", "an id with a space"),
        ("<button type='button' aria-controls='m'>Menu</button>", "aria-controls refers"),
        ("<p aria-labelledby=''>x</p>", "aria-labelledby refers"),
        ("<div aria-describedby='here gone' id='here'></div>", "aria-describedby refers"),
        ("<label for='x'>X</label><p id='x'></p>", "a label of"),
        ("<input>", "no label"),
        ("<img src='/x.png'>", "no alt"),
        ("<a href='/x'></a>", "no name"),
        ("<a href=''>x</a>", "a link to nowhere"),
        ("<a href='#gone'>x</a>", "a link to #gone"),
        ("<button type='button'><input aria-label='x'></button>", "a control in a control"),
        ("<a href='/x'>y <label>z</label></a>", "a control in a control"),
        ("<button>Go</button>", "a button without a form"),
        ("<span><div></div></span>", "a block in <span>"),
        ("<h2><p></p></h2>", "a block in <h2>"),
        ("<ul><p></p></ul>", "<p> in <ul>"),
        ("<svg></svg>", "neither hidden nor named"),
        ("<form method='post' action='/x'><button>Go</button></form>", "no csrf token"),
        ("<form method='get'><button>Go</button></form>", "a form without an action"),
        ("<form method='get' action='/x'></form>", "a form without a button"),
        ("<p style='color:red'></p>", "inline style"),
        ("<script>1</script>", "inline script"),
        ("<p onclick='x()'></p>", "inline handler"),
        ("<a href='javascript:x()'>x</a>", "inline script in a link"),
        ("<h1>Second</h1>", "not one h1"),
    ],
)
def test_fault_is_refused(body, said):
    with pytest.raises(AssertionError, match=said):
        check(answer(body))


def test_title_begins_with_the_heading():
    with pytest.raises(AssertionError, match="does not begin with"):
        check(answer("", title="Tiqqo · Page"))


@pytest.mark.parametrize("policy", ["", "default-src 'none'; script-src 'unsafe-inline'"])
def test_lax_policy_is_refused(policy):
    with pytest.raises(AssertionError):
        check(answer("", policy=policy))


def test_client_of_every_test_checks_what_it_fetches(client, settings):
    settings.ROOT_URLCONF = __name__

    assert isinstance(client, CheckedClient)
    with pytest.raises(AssertionError, match="inline style"):
        client.get("/unsound/")


urlpatterns = [path("unsound/", lambda _request: answer("<p style='color:red'></p>"))]
