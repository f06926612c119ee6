"""What every site has: probes, the pages of errors, and on a developer's machine the mails."""

import threading

import pytest
from django.conf import settings as project
from django.core.mail import EmailMultiAlternatives
from django.db import OperationalError
from django.test import Client

from tests.pages import PageClient, check_head, check_names, parsed, text_of
from tiqqo.core import readiness
from tiqqo.core.readiness import Readiness, forget_readiness

pytestmark = pytest.mark.django_db


def test_process_answers(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")


OPERATOR = {"Authorization": "Bearer s3cret"}


@pytest.fixture
def broken_database(monkeypatch):
    asked = []

    def broken(*args, **kwargs):
        asked.append(1)
        raise OperationalError("no database at 10.0.0.7")

    monkeypatch.setattr("django.db.connection.cursor", broken)
    return asked


def test_everything_is_ready(client):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"ready": True})
    assert "no-store" in answer.headers["Cache-Control"]


def test_strangers_learn_that_it_is_not_ready_and_operators_why(client, settings, broken_database):
    settings.STATUS_TOKEN = "s3cret"

    told = [client.get("/readyz", headers=headers) for headers in ({}, OPERATOR)]

    assert [answer.status_code for answer in told] == [503, 503]
    assert [answer.json() for answer in told] == [
        {"ready": False},
        {"ready": False, "database": "no database at 10.0.0.7"},
    ]


def test_staff_learns_what_was_looked_at(client, cast, settings):
    user = cast.kikker.owner.user
    user.is_staff = True
    user.save()
    client.force_login(user)
    assert client.get("/readyz").json() == {"ready": True, "database": "ok", "clock": "ok"}

    user.is_staff = False
    user.save()
    assert client.get("/readyz").json() == {"ready": True}


def test_a_session_is_not_looked_up_while_the_database_is_away(client, cast, broken_database):
    client.cookies[project.SESSION_COOKIE_NAME] = "x" * 32

    assert client.get("/readyz").json() == {"ready": False}


def test_readiness_is_found_out_once_a_second(client, broken_database, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("tiqqo.core.readiness.time.monotonic", lambda: now[0])

    for second in (0, 0.5, 0.99):
        now[0] = 100.0 + second
        client.get("/readyz")
    assert len(broken_database) == 1
    now[0] = 101.0
    client.get("/readyz")

    assert len(broken_database) == 2


def test_one_thread_asks_the_database_and_the_others_do_not_wait_for_long(monkeypatch):
    """A database that hangs must not hold every thread of a process."""
    hanging, entered = threading.Event(), threading.Event()

    def hang():
        entered.set()
        hanging.wait(20)
        return Readiness({"database": "ok"})

    monkeypatch.setattr(readiness, "_look", hang)
    monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0.05)
    first = threading.Thread(target=readiness.readiness)
    first.start()
    assert entered.wait(10)

    assert not readiness.readiness().is_ready
    hanging.set()
    first.join()
    assert readiness.readiness().is_ready


def test_becoming_unready_is_logged_once(client, broken_database, caplog, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("tiqqo.core.readiness.time.monotonic", lambda: now[0])

    for second in (0, 2, 4):
        now[0] = 100.0 + second
        client.get("/readyz")

    [line] = [r for r in caplog.records if r.message == "process.not_ready"]
    assert line.database == "no database at 10.0.0.7"


def test_a_probe_makes_no_connection_to_redis(client, monkeypatch):
    made = []
    monkeypatch.setattr("redis.connection.Connection.connect", made.append)

    for _ in range(3):
        forget_readiness()
        client.get("/readyz")
        client.get("/healthz")

    assert made == []


# Errors ----------------------------------------------------------------------------------


def test_what_is_not_there(pages):
    page = pages.get_page("/no/such/page/", status=404)

    assert page.h1 == "This page is not here"
    assert page.links() == {"Go to the start page": "/"}


def test_what_a_role_may_not_see(cast):
    client = PageClient(cast).sign_in(cast.kikker.scanner.user)

    page = client.get_page("/o/blauwe-kikker/settings/", status=403)

    assert page.alerts == [
        "Your role does not allow this. Ask an owner of the organiser for access."
    ]


def test_what_breaks_says_so(cast, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr("orders.views.shop.shop_page", broken)
    client = Client(raise_request_exception=False)

    answer = client.get("/blauwe-kikker/night-of-the-blue-note/")

    html = answer.content.decode()
    tree = parsed(html, is_part=False)
    check_head(tree)
    check_names(tree)
    assert answer.status_code == 500
    assert text_of(tree.find(".//h1")) == "Something broke on our side"
    assert "secret of the house" not in html
    assert "Content-Security-Policy" in answer.headers


def test_every_answer_forbids_framing_and_sniffing(client, cast):
    for url in ["/", "/blauwe-kikker/", "/healthz", "/nowhere/"]:
        headers = client.get(url).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


# Mails of a developer's machine ----------------------------------------------------------


@pytest.fixture
def written(settings, tmp_path):
    """A mail as the file backend writes it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    message = EmailMultiAlternatives("Blå billet ✓", "Hello\nthere", to=["dora@example.org"])
    message.attach_alternative("<p style='color:red'>Hello</p>", "text/html")
    message.attach("tickets.pdf", b"%PDF-1.7", "application/pdf")
    message.send()


def test_mail_viewer_lists_and_shows(pages, written):
    page = pages.get_page("/dev/mail/")
    assert [row[:2] for row in page.rows] == [["Blå billet ✓", "dora@example.org"]]

    mail = pages.get_page(page.links()["Blå billet ✓"])

    assert mail.h1 == "Blå billet ✓"
    assert mail.text("pre") == "Hello there"
    pdf = pages.get(mail.links()["tickets.pdf"])
    assert (pdf.content, pdf.headers["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    [frame] = mail.all("iframe")
    assert frame.get("sandbox") == "allow-popups"
    html = pages.get(frame.get("src"))
    assert b"Hello" in html.content
    assert "script-src 'none'" in html.headers["Content-Security-Policy"]


def test_mail_viewer_without_mails(pages, settings, tmp_path):
    settings.EMAIL_FILE_PATH = tmp_path / "none"

    assert pages.get_page("/dev/mail/").texts(".empty__title") == ["No mails yet"]
    pages.get_page("/dev/mail/../../etc/passwd/", status=404)
    pages.get_page("/dev/mail/x_0/", status=404)
    assert project.MAIL_VIEWER
