"""Pictures for everybody: only what is below `public`, and only names that we gave."""

from pathlib import Path
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import get_resolver

SECRET = "A" * 22
ODD = [
    "..", "../private/a.pdf", "%2e%2e/private/a.pdf", "a" * 255, "a" * 400 + ".jpg", "\x00", "a\x00.jpg",
    "\udcff".encode("utf-8", "surrogateescape"), b"\xff\xfe.jpg", "a\r\nb.jpg", "ééé.jpg", "\u202e.jpg",
    "a//b.jpg", "/etc/passwd", "C:\\a.jpg", "a\\..\\b.jpg", ".jpg", "a.jpg/", "~root", "a" * 5000, "%00",
    "1" * 400, "-1", "٣", "NaN", "{{7*7}}", "a/" * 200 + "b.jpg",
]  # fmt: skip


@pytest.fixture
def files(settings):
    """One picture for everybody, and private files beside it."""
    root = Path(settings.MEDIA_ROOT)
    for name in ("public/events/abcdef.jpg", "private/tickets/secret/tickets-1.pdf", "a.jpg"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"content")
    return root


@pytest.fixture
def visitor():
    """Somebody who sees what a visitor sees of an error, too."""
    return Client(raise_request_exception=False)


def test_a_picture_is_served(db, files, visitor):
    answer = visitor.get("/media/public/events/abcdef.jpg")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert b"".join(answer.streaming_content) == b"content"


@pytest.mark.parametrize(
    "address",
    [
        "public/../private/tickets/secret/tickets-1.pdf",
        "public/%2e%2e/private/tickets/secret/tickets-1.pdf",
        "public/events/../../private/tickets/secret/tickets-1.pdf",
        "public/..%2f..%2fprivate/tickets/secret/tickets-1.pdf",
        "private/tickets/secret/tickets-1.pdf",
        "public//../a.jpg",
        "a.jpg",
    ],
)
def test_nothing_private_has_an_address(db, files, visitor, address):
    assert visitor.get("/media/" + address).status_code == 404


@pytest.mark.parametrize("name", ODD, ids=range(len(ODD)))
def test_an_odd_name_is_of_no_file(db, files, visitor, name):
    assert visitor.get("/media/public/events/" + quote(name)).status_code == 404
    assert visitor.get("/media/public/" + quote(name)).status_code == 404


def test_a_file_that_is_taken_away_meanwhile_is_not_there(db, files, visitor, monkeypatch):
    def taken_away(path, *args, **kwargs):
        raise FileNotFoundError

    monkeypatch.setattr("django.views.static.Path.open", taken_away)

    assert visitor.get("/media/public/events/abcdef.jpg").status_code == 404


def addresses(patterns=None, prefix=""):
    """Every route whose address holds text of whoever asks, with a place for it."""
    for pattern in patterns or get_resolver().url_patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            if path not in ("admin/", "accounts/"):
                yield from addresses(pattern.url_patterns, path)
        elif "<str:" in path or "<path:" in path:
            yield path


def filled(path, odd):
    kept = {
        "<slug:organiser_slug>": "blauwe-kikker",
        "<slug:event_slug>": "night-of-the-blue-note",
        "<str:event_slug>": "night-of-the-blue-note",
    }
    for place, value in kept.items():
        path = path.replace(place, value)
    while "<" in path:
        before, _, rest = path.partition("<")
        kind, _, after = rest.partition(">")
        path = before + ("1" if kind.startswith("int:") else quote(odd)) + after
    return "/" + path


def test_no_text_of_an_address_breaks_a_page(cast, visitor):
    visitor.force_login(cast.kikker.owner.user)
    routes = list(addresses())
    broken = []

    for path in routes:
        for odd in ("..", "a" * 400, "\x00", b"\xff\xfe", "\u202e", "1" * 400, "٣", "a\r\nb"):
            address = filled(path, odd)
            if visitor.get(address).status_code >= 500:
                broken.append(address)

    assert len(routes) > 40
    assert broken == []
