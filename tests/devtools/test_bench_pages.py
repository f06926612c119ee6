"""What the bench's clients read: answers byte by byte, and forms as a browser would send them."""

import gzip

import pytest

from devtools.bench.http_client import Garbled, Reading, Site
from devtools.bench.pages import FormMissing, alert, first_value, form_to, forms

PAGE = """
<form id="language" method="post" action="/language/"><select name="lang">
<option value="en">English</option><option value="nl" selected>Nederlands</option></select></form>
<form class="a > b" id="choose" method="post" action="/bench/shop/reservations/" novalidate>
  <input type="hidden" name="token" value="a&amp;b">
  <input type="number" name="quantity_AB12" value="0" min="0" max="20">
  <input type="text" name="off" value="x" disabled>
  <input type="checkbox" name="news"><input type="checkbox" name="terms" checked>
  <input type="radio" name="pay" value="card" checked><input type="radio" name="pay" value="invoice">
  <textarea name="note">
One &lt; two</textarea>
  <input type="submit" name="go" value="Reserve">
</form>
<input name="code" value="EARLY" form="choose"><input name="stray" value="1">
"""


def test_form_sends_what_a_browser_would():
    assert form_to(PAGE, "/reservations/").fields == {
        "token": "a&b",
        "quantity_AB12": "0",
        "terms": "on",
        "pay": "card",
        "note": "One < two",
        "code": "EARLY",
    }


def test_select_sends_its_chosen_option_or_its_first():
    assert form_to(PAGE, "/language/").fields == {"lang": "nl"}
    first = (
        '<form action="/x/"><select name="a"><option value="1"><option value="2"></select></form>'
    )
    assert form_to(first, "/x/").fields == {"a": "1"}


def test_missing_form_tells_which_there_are():
    assert len(forms(PAGE)) == 2
    with pytest.raises(FormMissing, match="there is: /language/, /bench/shop/reservations/"):
        form_to(PAGE, "/checkout/")


def test_alert_is_read_as_plain_text():
    page = '<div class="alert" role="alert"><div class="alert__body"><p>Members &amp; co\nis sold out.</p></div></div>'

    assert alert(page) == "Members & co is sold out."
    assert alert("<p>Fine</p>") == ""


def answer_of(*pieces):
    reading = Reading()
    found = [reading.feed(piece) for piece in pieces]
    assert found[:-1] == [None] * (len(pieces) - 1)
    return found[-1]


def test_answer_is_whole_once_its_length_has_come():
    answer = answer_of(b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo")

    assert (answer.status, answer.body) == (200, b"hello")


def test_chunks_are_put_together():
    answer = answer_of(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"lo\r\n6;x=1\r\n world\r\n",
        b"0\r\n\r\n",
    )

    assert answer.body == b"hello world"


def test_zipped_page_is_read():
    body = gzip.compress("café".encode())
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert answer_of(head + body).text == "café"


def test_redirection_leads_to_path_and_query_and_sets_cookies():
    answer = answer_of(
        b"HTTP/1.1 303 See Other\r\nLocation: http://127.0.0.1:8000/a/b/?c=d\r\n"
        b"Set-Cookie: language=nl; Path=/\r\nset-cookie: s=1\r\nContent-Length: 0\r\n\r\n"
    )

    assert answer.location == "/a/b/?c=d"
    assert answer.cookies == {"language": "nl", "s": "1"}


@pytest.mark.parametrize(
    "received",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"],
)
def test_what_is_not_understood_is_refused(received):
    with pytest.raises(Garbled):
        Reading().feed(received)


def test_form_is_posted_as_a_browser_posts_it():
    message = Site("127.0.0.1", 80).post("/hold/", {"name": "Zoë & co"}, cookies={"a": "1"})

    head, _, body = message.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hold/ HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert b"\r\nCookie: a=1\r\n" in head
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert body == b"name=Zo%C3%AB+%26+co"


def test_a_field_that_is_chosen_by_hand_is_found_by_its_name():
    page = '<input type="checkbox" name="wishes" value="ab..&amp;c"><input name="wishes" value="d">'

    assert first_value(page, "wishes") == "ab..&c"
    with pytest.raises(FormMissing):
        first_value(page, "email")
