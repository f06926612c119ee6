"""PDFs that somebody asks for: drawn by the worker, once, and never shown when they are old."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
import time_machine
from django.core.files.storage import default_storage
from django.db import connection, models
from django.template.loader import render_to_string
from pypdf import PdfReader

from events.models import Event
from events.operations import change_event
from orders import shown
from orders.delivery_locks import Claim
from orders.documents import badges_pdf, tickets_document
from orders.figures import oldest_document
from orders.models import (
    DOCUMENT_TRIES,
    Delivery,
    DeliveryStatus,
    DocumentFile,
    DocumentKind,
    Ticket,
)
from orders.operations import cancel_order, request_document, resend_tickets
from orders.printed import badges_of, printed_tickets
from orders.shown import wanted_badges, wanted_tickets
from orders.tasks import draw_document, sweep_deliveries, sweep_documents
from tests.cast import DORA, EMIL
from tiqqo.core import clock, status
from tiqqo.ui.pdf import join_pdfs

DRAW = "orders.tasks.draw_document"
PREPARE = "orders.tasks.prepare_delivery"


@pytest.fixture
def light(monkeypatch):
    """Documents without WeasyPrint, that say which tickets they show."""

    def drawn(name, context, **options):
        items = context.get("printed") or [i for sheet in context.get("sheets", []) for i in sheet]
        calls.append([item.ticket.code for item in items])
        return b"%PDF-1.7 light"

    calls = []
    monkeypatch.setattr("orders.documents.render_pdf", drawn)
    monkeypatch.setattr("orders.documents.join_pdfs", b"+".join)
    return calls


@pytest.fixture
def small_slices(monkeypatch):
    for module in ("tasks", "documents", "models.document_file", "email_messages"):
        monkeypatch.setattr(f"orders.{module}.SLICES", dict.fromkeys(DocumentKind, 2))


def phone_of(shop, order):
    return shop.url("shop:tickets_phone_pdf", code=order.code, secret=order.secret)


def tickets_of(shop, order):
    return shop.url("shop:tickets_pdf", code=order.code, secret=order.secret)


def content(answer):
    return b"".join(answer.streaming_content)


@pytest.fixture
def order(in_kikker_shop, queue, committing):
    """An order whose mail is out."""
    with in_kikker_shop.house.scope(), committing():
        made = in_kikker_shop.house.place_free(2, attendees=(DORA, EMIL))
    queue.clear()
    return made


# The page that waits ---------------------------------------------------------------------


def test_the_web_draws_nothing_and_the_page_downloads_it_when_it_is_there(
    in_kikker_shop, order, queue, committing, monkeypatch
):
    url, pages = phone_of(in_kikker_shop, order), in_kikker_shop.pages
    with monkeypatch.context() as web, committing():
        web.setattr("tiqqo.ui.pdf._drawn", lambda *args: pytest.fail("drawn by the web"))
        page = pages.get_page(url, status=202)
        again = pages.get_page(url + "?page=", status=202)

    assert page.h1 == again.h1 == "Your PDF is being made"
    assert page.attributes("#drawing", "hx-get") == [f"{url}?page="]
    assert page.response.headers["Retry-After"] == "3"
    assert f'content="3; url={url}?page="' in page.response.content.decode()
    assert queue.names == [DRAW]
    assert queue.work(committing) == []

    poll = pages.get(url + "?page=", status=204, headers={"HX-Request": "true"})
    ready = pages.get_page(url + "?page=")
    assert poll.headers["HX-Redirect"] == f"{url}?page="
    assert ready.h1 == "Your PDF is ready"
    assert ready.response.headers["Refresh"] == f"0; url={url}"
    assert ready.links()["Download the PDF"] == url
    pdf = pages.get(url)
    assert pdf.headers["Content-Disposition"] == (
        f'attachment; filename="tickets-{order.code}-phone.pdf"'
    )
    assert len(PdfReader(BytesIO(content(pdf))).pages) == 2
    assert queue.jobs == []


def test_whoever_asks_meanwhile_waits_for_the_same_drawing(
    in_kikker_shop, order, light, queue, committing
):
    url = phone_of(in_kikker_shop, order)
    for _time in range(5):
        with committing():
            in_kikker_shop.pages.get(url, status=202)

    assert queue.work(committing) == []
    assert len(light) == 1
    with in_kikker_shop.house.scope():
        document = DocumentFile.objects.get()
        for _time in range(2):
            draw_document(document.pk, organiser_id=in_kikker_shop.house.organiser.pk)
    assert len(light) == 1


def test_a_document_in_another_workers_hand_is_left_to_it(in_kikker_shop, order, light):
    house = in_kikker_shop.house
    parameters = {**connection.get_connection_params(), "cursor_factory": psycopg.Cursor}
    parameters.pop("context", None)
    with house.scope():
        document = request_document(wanted_tickets(order, DocumentKind.PHONE))
        with psycopg.connect(**parameters, autocommit=True) as other:
            key = Claim.DOCUMENT << 32 | document.pk
            assert other.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone() == (True,)
            draw_document(document.pk, organiser_id=house.organiser.pk)
            assert light == []
            with in_the_future(seconds=90):
                sweep_deliveries()
            assert DocumentFile.objects.get().due_at == document.due_at


def test_what_was_mailed_is_not_drawn_again(in_kikker_shop, queue, committing, light):
    with in_kikker_shop.house.scope(), committing():
        order = in_kikker_shop.house.place_free(2, attendees=(DORA, EMIL))
    assert queue.work(committing) == []

    pdf = in_kikker_shop.pages.get(tickets_of(in_kikker_shop, order))

    assert content(pdf) == b"%PDF-1.7 light"
    assert len(light) == 1
    with in_kikker_shop.house.scope(), committing():
        resend_tickets(order, by=in_kikker_shop.house.owner)
    assert queue.work(committing) == []
    assert len(light) == 1


def test_a_changed_order_never_gets_an_old_pdf(in_kikker_shop, queue, committing, light):
    house, pages = in_kikker_shop.house, in_kikker_shop.pages
    with house.scope(), committing():
        order = house.place_free(2, attendees=(DORA, EMIL))
    queue.work(committing)
    urls = [tickets_of(in_kikker_shop, order), phone_of(in_kikker_shop, order)]
    with committing():
        pages.get(urls[1], status=202)
    queue.work(committing)
    assert [pages.get(url).status_code for url in urls] == [200, 200]

    with house.scope():
        Ticket.objects.filter(first_name="Dora").update(first_name="Theodora")
        old = DocumentFile.objects.get().file.name
    for url in urls:
        with committing():
            pages.get(url, status=202)
    assert queue.work(committing) == []
    assert [pages.get(url).status_code for url in urls] == [200, 200]

    assert len(light) == 4
    assert not default_storage.exists(old)
    with house.scope():
        assert DocumentFile.objects.filter(kind=DocumentKind.PHONE).count() == 1
        cancel_order(order, by=house.owner)
    for url in urls:
        assert pages.get(url, status=302).headers["Location"].endswith(f"{order.secret}/")


def test_what_changes_while_it_is_drawn_is_drawn_as_it_is_now(
    in_kikker_shop, order, light, small_slices, queue, committing
):
    house = in_kikker_shop.house
    with house.scope(), committing():
        order = house.place_free(5)
    queue.clear()
    with house.scope(), committing():
        document = request_document(wanted_tickets(order, DocumentKind.PHONE))
    job = queue.jobs.pop()
    with committing():
        job.task.apply(args=job.args, kwargs=job.kwargs)
    with house.scope():
        assert default_storage.exists(document.part_names[0])
        Ticket.objects.filter(order=order).update(last_name="Changed")

    assert queue.work(committing) == []

    with house.scope():
        assert not DocumentFile.objects.exists()
    assert not default_storage.exists(document.part_names[0])
    with committing():
        in_kikker_shop.pages.get(phone_of(in_kikker_shop, order), status=202)
    assert queue.work(committing) == []
    assert in_kikker_shop.pages.get(phone_of(in_kikker_shop, order)).status_code == 200


def test_a_file_that_was_lost_is_drawn_again(in_kikker_shop, order, light, queue, committing):
    pages, urls = in_kikker_shop.pages, [phone_of(in_kikker_shop, order)]
    with committing():
        pages.get(urls[0], status=202)
    queue.work(committing)
    with in_kikker_shop.house.scope():
        Path(DocumentFile.objects.get().file.path).unlink()

    for _time in range(2):
        with committing():
            pages.get(urls[0], status=202)

    assert queue.names == [DRAW]
    assert queue.work(committing) == []
    assert content(pages.get(urls[0])) == b"%PDF-1.7 light"


# Slices ----------------------------------------------------------------------------------


def test_a_large_document_keeps_no_small_one_waiting(
    in_kikker_shop, light, small_slices, queue, committing
):
    house = in_kikker_shop.house
    with house.scope(), committing():
        large, small = house.place_free(7), house.place_free(1)
    queue.clear()
    with house.scope(), committing():
        for order in (large, small):
            request_document(wanted_tickets(order, DocumentKind.PHONE))
    done = []
    while queue.jobs:
        job = queue.jobs.pop(0)
        with committing():
            job.task.apply(args=job.args, kwargs=job.kwargs)
        with house.scope():
            rows = DocumentFile.objects.order_by("pk")
            done.append([(row.done, row.is_in_lottery_order) for row in rows])

    assert done[1] == [(2, False), (1, True)]
    assert done[-1] == [(7, True), (1, True)]
    assert [len(codes) for codes in light] == [2, 1, 2, 2, 1]
    assert len({code for codes in light for code in codes}) == 8
    with house.scope():
        document = DocumentFile.objects.get(order=large)
        assert document.file.open("rb").read() == b"+".join([b"%PDF-1.7 light"] * 4)
        assert not any(default_storage.exists(name) for name in document.part_names)


def test_the_mail_of_a_large_order_goes_when_its_document_is_drawn(
    kikker, light, small_slices, queue, committing, mailoutbox
):
    with committing():
        kikker.place_free(5)
    job = queue.jobs.pop(0)
    assert job.name == PREPARE
    with committing():
        job.task.apply(args=job.args, kwargs=job.kwargs)
    waiting = Delivery.objects.get()
    assert (waiting.status, waiting.claimed_at, waiting.attempts) == (
        DeliveryStatus.PENDING,
        None,
        0,
    )

    assert queue.work(committing) == []

    assert Delivery.objects.get().status == DeliveryStatus.SENT
    [mail] = mailoutbox
    assert mail.attachments[0][1] == b"+".join([b"%PDF-1.7 light"] * 3)
    assert [len(codes) for codes in light] == [2, 2, 1]


def test_badges_of_an_event_are_drawn_in_slices_with_progress(
    at_kikker, light, small_slices, queue, committing
):
    house = at_kikker.house
    with house.scope():
        house.place_free(5)
    url = at_kikker.url("orders:badges")
    with committing():
        first = at_kikker.pages.get_page(url, status=202)
    job = queue.jobs.pop()
    with committing():
        job.task.apply(args=job.args, kwargs=job.kwargs)

    part = at_kikker.pages.get(url + "?page=", status=202, headers={"HX-Request": "true"})

    assert "0 of 5" in first.text("#drawing")
    assert "2 of 5" in part.content.decode()
    assert queue.work(committing) == []
    assert at_kikker.pages.get(url).headers["Content-Type"] == "application/pdf"
    assert [len(codes) for codes in light] == [2, 2, 1]


@pytest.mark.django_db
def test_slices_in_one_are_what_one_drawing_would_be(fjord):
    order = fjord.place_free(5, attendees=(DORA, EMIL))
    printed = printed_tickets(order)
    parts = [tickets_document(order, printed[at : at + 2], before=at, count=5) for at in (0, 2, 4)]

    whole = PdfReader(BytesIO(tickets_document(order, printed)))
    joined = PdfReader(BytesIO(join_pdfs(parts)))

    assert [page.extract_text() for page in joined.pages] == [
        page.extract_text() for page in whole.pages
    ]
    assert joined.metadata.title == whole.metadata.title
    assert tags(joined) == tags(whole)
    root = joined.trailer["/Root"]
    assert bool(root["/MarkInfo"]["/Marked"]) and root["/Lang"] == "en"
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    assert len(joined.outline) == len(whole.outline)
    check_parents(joined)


def tags(pdf):
    """Every tag with the number of its page, in the order of reading."""
    pages = {page.indirect_reference.idnum: number for number, page in enumerate(pdf.pages)}
    found = []

    def walk(node):
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if "/S" in node:
                page = node.raw_get("/Pg").idnum if "/Pg" in node else None
                found.append((node["/S"], pages.get(page), node.get("/Alt")))
            if "/K" in node:
                walk(node["/K"])

    walk(pdf.trailer["/Root"]["/StructTreeRoot"]["/K"])
    return found


def check_parents(pdf):
    """Each page, and each link on it, finds its tags by a number of its own."""
    numbers = pdf.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"]["/Nums"]
    parents = dict(zip(numbers[::2], numbers[1::2], strict=True))
    keys = [page["/StructParents"] for page in pdf.pages]
    for page in pdf.pages:
        keys += [a.get_object()["/StructParent"] for a in page.get("/Annots", [])]
        for element in parents[page["/StructParents"]].get_object():
            owner = element.get_object()
            assert owner.raw_get("/Pg").idnum == page.indirect_reference.idnum
    assert len(keys) == len(set(keys)) == len(parents)


# The state -------------------------------------------------------------------------------

ANOTHER = {
    models.CharField: "Something else",
    models.TextField: "Something else",
    models.EmailField: "else@example.org",
    models.URLField: "https://else.example/",
    models.PositiveBigIntegerField: 4711,
    models.PositiveSmallIntegerField: 7,
    models.PositiveIntegerField: 7,
    models.BigIntegerField: 4711,
    models.BooleanField: True,
    models.DateTimeField: clock.now() + timedelta(days=400),
    models.JSONField: [],
}


def changes(row):
    """Every field of the row in turn, with another value."""
    for field in row._meta.concrete_fields:
        value = ANOTHER.get(type(field))
        if value is None or field.primary_key or field.is_relation:
            continue
        value = {
            "time_zone": "Asia/Tokyo",
            "locale": "nl",
            "currency": "KWD",
            "accent_colour": "#123456",
        }.get(field.attname, value)
        before = getattr(row, field.attname)
        setattr(row, field.attname, value)
        yield f"{row._meta.model_name}.{field.attname}"
        setattr(row, field.attname, before)


@pytest.mark.parametrize("shape", ["ticket", "phone"])
@pytest.mark.django_db
def test_whatever_changes_the_tickets_changes_their_state(fjord, monkeypatch, shape):
    change_event(fjord.event, by=fjord.owner, online_url="https://stream.example/")
    order = fjord.place_invoice(2, attendees=(DORA,))
    with monkeypatch.context() as issued:
        issued.setattr("orders.operations.desk.announce_settled", lambda *args: None)
        from orders.operations import mark_settled

        order = mark_settled(order, by=fjord.owner) or order
    order = type(order).objects.select_related("event__organiser").get(pk=order.pk)
    printed = printed_tickets(order)
    tickets = [item.ticket for item in printed]
    monkeypatch.setattr(shown, "tickets_of", lambda order: tickets)

    def html():
        from django.utils import translation

        again = [
            type(item)(item.ticket, f"{item.ticket.uid}.{item.ticket.generation}")
            for item in printed
        ]
        context = {"order": order, "event": order.event, "printed": again, "before": 0, "count": 2}
        with translation.override(order.locale):
            return render_to_string(
                f"documents/{shape}.html", {**context, "inks": order.event.accent}
            )

    def state():
        return wanted_tickets(order, DocumentKind.TICKETS).state

    kinds = {ticket.ticket_type for ticket in tickets}
    first_html, first_state, seen = html(), state(), 0
    for row in (order, order.event, order.event.organiser, *tickets[:1], *list(kinds)[:1]):
        for what in changes(row):
            if what in ("order.status", "order.confirmed_at"):
                continue
            if html() != first_html:
                seen += 1
                assert state() != first_state, f"{what} changes the tickets, and not their state"
    assert (html(), state()) == (first_html, first_state)
    assert seen > 12


def test_the_state_of_badges_follows_what_they_say(kikker):
    with_two = kikker.place_free(2, attendees=(DORA, EMIL))
    states = [wanted_badges(kikker.event, DocumentKind.BADGES).state]

    for change in (
        {"first_name": "Theodora"},
        {"last_name": "Anders"},
        {"generation": 2},
    ):
        Ticket.objects.filter(order=with_two, first_name__in=["Dora", "Theodora"]).update(**change)
        states.append(wanted_badges(kikker.event, DocumentKind.BADGES).state)
    type(with_two).objects.filter(pk=with_two.pk).update(company_name="Acme")
    states.append(wanted_badges(kikker.event, DocumentKind.BADGES).state)
    Event.objects.filter(pk=kikker.event.pk).update(name="Another night")
    kikker.event.refresh_from_db()
    states.append(wanted_badges(kikker.event, DocumentKind.BADGES).state)
    states.append(wanted_badges(kikker.event, DocumentKind.BADGE_SHEETS).state)
    states.append(wanted_badges(kikker.event, DocumentKind.BADGES, order=with_two).state)
    states.append(wanted_badges(kikker.event, DocumentKind.BADGES, language="nl").state)

    assert len(set(states)) == 9


def test_a_new_layout_keeps_no_old_file(kikker, light, queue, committing, monkeypatch):
    order = kikker.place_free(1)
    queue.clear()
    with committing():
        first = request_document(wanted_tickets(order, DocumentKind.PHONE))
    queue.work(committing)
    monkeypatch.setattr("orders.operations.drawing.layout", lambda: "another")

    with committing():
        second = request_document(wanted_tickets(order, DocumentKind.PHONE))

    assert second.pk != first.pk and not second.is_in_lottery_order
    assert list(DocumentFile.objects.values_list("pk", flat=True)) == [second.pk]


# What goes wrong -------------------------------------------------------------------------


def in_the_future(**delta):
    return time_machine.travel(clock.now() + timedelta(**delta))


def test_a_task_that_was_lost_is_enqueued_by_the_sweeper_once(kikker, light, queue, committing):
    order = kikker.place_free(1)
    Delivery.objects.all().delete()
    with committing():
        request_document(wanted_tickets(order, DocumentKind.PHONE))
    queue.clear()

    assert sweep_deliveries() == 0
    with in_the_future(seconds=20):
        assert sweep_deliveries() == 1
        assert sweep_deliveries() == 0
    assert queue.names == [DRAW]
    assert queue.work(committing) == []
    assert DocumentFile.objects.get().is_in_lottery_order


def test_a_drawing_that_fails_is_given_up_and_tried_again_when_asked_for(
    kikker, in_kikker_shop, monkeypatch, queue, committing
):
    monkeypatch.setattr("orders.documents.render_pdf", lambda *args, **options: 1 / 0)
    order = kikker.place_free(1)
    Delivery.objects.all().delete()
    queue.clear()
    url = phone_of(in_kikker_shop, order)
    with committing():
        in_kikker_shop.pages.get(url, status=202)
    assert queue.work(committing) == [DRAW]
    for hour in range(1, DOCUMENT_TRIES):
        with in_the_future(minutes=hour * 10):
            assert sweep_deliveries() == 1
            assert queue.work(committing) == [DRAW]
    document = DocumentFile.objects.get()
    assert document.is_given_up
    assert document.last_error == "ZeroDivisionError: division by zero"
    page = in_kikker_shop.pages.get_page(url, status=202)
    assert "could not be made" in page.text("#drawing")
    assert page.attributes("#drawing", "hx-get") == [None]

    monkeypatch.setattr("orders.documents.render_pdf", lambda *args, **options: b"%PDF-1.7")
    with in_the_future(hours=3):
        assert sweep_deliveries() == 0
        with committing():
            in_kikker_shop.pages.get(url, status=202)
        assert queue.work(committing) == []
        assert content(in_kikker_shop.pages.get(url)) == b"%PDF-1.7"


def test_what_nobody_asks_for_any_more_is_removed(kikker, light, queue, committing):
    order = kikker.place_free(1)
    queue.clear()
    with committing():
        request_document(wanted_tickets(order, DocumentKind.PHONE))
    queue.work(committing)
    name = DocumentFile.objects.get().file.name

    with committing():
        assert sweep_documents() == 0
    assert default_storage.exists(name)
    with in_the_future(days=2), committing():
        assert sweep_documents() == 1

    assert not DocumentFile.objects.exists()
    assert not default_storage.exists(name)


def test_the_age_of_the_oldest_document_is_on_the_status_and_in_the_log(kikker, caplog):
    assert oldest_document() is None
    kikker.place_free(1)

    with in_the_future(seconds=90):
        [figure] = [
            figure
            for group in status.groups()
            for figure in group.figures
            if figure.name == "documents: oldest waits, s"
        ]
        sweep_deliveries()

    assert 90 <= figure.value < 120 and figure.is_bad
    [said] = [record for record in caplog.records if record.message == "documents.late"]
    assert said.oldest_waits_seconds >= 90


def test_the_sweeper_tells_people_that_are_late_from_those_that_are_lost(kikker, queue):
    for _time in range(3):
        kikker.place_free(1)
    queue.clear()
    people = "orders.tasks.welcome_people"

    with in_the_future(seconds=61):
        for _time in range(10):
            sweep_deliveries()
        assert queue.names.count(people) == 3
    with in_the_future(minutes=7):
        sweep_deliveries()
    assert queue.names.count(people) == 6


@pytest.mark.django_db
def test_badges_in_slices_have_a_sheet_to_each_ten(fjord):
    fjord.place_free(3)
    everybody = badges_of(fjord.event) * 7

    joined = join_pdfs(
        [badges_pdf(fjord.event, everybody[at : at + 10], on_sheets=True) for at in (0, 10, 20)]
    )

    assert len(PdfReader(BytesIO(joined)).pages) == 3
