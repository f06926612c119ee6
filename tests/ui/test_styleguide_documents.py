"""The style guide's mails and documents answer, and only those who build may look."""

import pytest
from django.test import Client

from tests.pages import PageClient
from tiqqo.styleguide_documents import DOCUMENTS, MAILS


def test_the_page_shows_every_mail_and_leads_to_every_document(db):
    page = PageClient().get_page("/styleguide/papers/")

    frames = {frame.get("src") for frame in page.all("iframe")}
    assert frames == {f"/styleguide/mails/{name}/" for name in MAILS}
    assert {f"/styleguide/documents/{name}.pdf" for name in DOCUMENTS} <= set(page.links().values())


@pytest.mark.parametrize("name", sorted(MAILS))
def test_a_mail_may_be_framed_and_runs_nothing(db, name):
    client = Client()  # not the one that refuses inlined styles, which are what a mail has
    page = client.get(f"/styleguide/mails/{name}/")
    text = client.get(f"/styleguide/mails/{name}/?text")

    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert text.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_document_is_a_pdf(client, db):
    answer = client.get("/styleguide/documents/badges.pdf")

    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize("path", ["papers/", "mails/tickets/", "documents/ticket.pdf"])
def test_the_public_finds_nothing(client, db, settings, path):
    settings.TESTING = settings.DEBUG = False

    assert client.get(f"/styleguide/{path}").status_code == 404


@pytest.mark.parametrize("path", ["mails/none/", "documents/none.pdf"])
def test_what_is_not_there_is_not_found(client, db, path):
    assert client.get(f"/styleguide/{path}").status_code == 404
