"""The PDFs: what they say, that everybody can read them, and what they weigh."""

import subprocess
import sys
from datetime import date
from io import BytesIO
from socket import socket
from types import SimpleNamespace

import pytest
from pypdf import PdfReader

from devtools.paths import REPOSITORY
from events.operations import change_event
from orders.documents import badges_pdf, invoice_pdf, tickets_document, tickets_pdf
from orders.printed import badges_of
from orders.styleguide import club_night, conference, hard_case
from payouts.statement import DoesNotBalance, PayoutStatement, StatementLine, StatementPart
from tests.cast import DORA, EMIL
from tests.golden.compare import compare
from tests.orders.test_emails import LATE, NIGHT, steady
from tiqqo import celery
from tiqqo.core.money import Money
from tiqqo.styleguide_documents import DOCUMENTS
from tiqqo.ui.pdf import STYLES, _drawn, render_pdf
from tiqqo.ui.pdf_files import NotOurs, OwnFiles

TICKET_WEIGHS_AT_MOST = 60_000
MM = 72 / 25.4


def opened(pdf):
    return PdfReader(BytesIO(pdf))


def said(pdf):
    """The text, page by page."""
    return "\n--- page ---\n".join(
        "\n".join(line.strip() for line in page.extract_text().splitlines() if line.strip())
        for page in opened(pdf).pages
    )


def size_of(page):
    """Width and height in millimetres."""
    return round(float(page.mediabox.width) / MM), round(float(page.mediabox.height) / MM)


def fonts_of(pdf):
    """name → is it embedded?"""
    found = {}
    for page in opened(pdf).pages:
        for entry in page["/Resources"]["/Font"].values():
            font = entry.get_object()
            [inner] = font.get("/DescendantFonts", [font])
            descriptor = inner.get_object()["/FontDescriptor"].get_object()
            found[str(font["/BaseFont"])] = any(
                name in descriptor for name in ("/FontFile", "/FontFile2", "/FontFile3")
            )
    return found


def glyphs_missing(pdf):
    """How often a page draws glyph 0, the box of a font that has no such letter."""
    count = 0
    for page in opened(pdf).pages:
        for operands, operator in page.get_contents().operations:
            if operator == b"TJ":
                count += sum(_zeros(item) for item in operands[0] if isinstance(item, bytes))
    return count


def _zeros(codes):
    return sum(codes[i : i + 2] == b"\0\0" for i in range(0, len(codes), 2))


@pytest.fixture(scope="module", params=sorted(DOCUMENTS))
def drawn(request):
    """Every document of the style guide, drawn once."""
    return DOCUMENTS[request.param]()


def test_a_document_is_tagged_and_titled(drawn):
    pdf = opened(drawn)
    root = pdf.trailer["/Root"]

    assert pdf.metadata.title
    assert root["/Lang"] == "en"
    assert bool(root["/MarkInfo"]["/Marked"]) is True
    assert root["/StructTreeRoot"]["/K"]
    assert bool(root["/ViewerPreferences"]["/DisplayDocTitle"]) is True
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()


def test_every_font_is_inside(drawn):
    fonts = fonts_of(drawn)

    assert any("Familjen" in name for name in fonts)
    assert [name for name, is_inside in fonts.items() if not is_inside] == []


def test_every_picture_says_what_it_is(drawn):
    """A QR is a Figure with words for those who cannot see it."""
    figures = []

    def walk(node):
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if node.get("/S") == "/Figure":
                figures.append(node.get("/Alt"))
            if "/K" in node:
                walk(node["/K"])

    walk(opened(drawn).trailer["/Root"]["/StructTreeRoot"]["/K"])

    assert all(figures)


@pytest.mark.parametrize("shape", ["ticket", "phone"])
@pytest.mark.parametrize("specimen", [club_night, conference, hard_case])
def test_a_ticket_weighs_less_than_60_kb(specimen, shape):
    order = specimen()
    weights = [
        len(tickets_document(order.order, [printed], shape=shape)) for printed in order.printed
    ]

    assert max(weights) < TICKET_WEIGHS_AT_MOST


@pytest.mark.parametrize("shape", ["ticket", "phone"])
@pytest.mark.parametrize("specimen", [club_night, hard_case])
def test_whatever_people_type_a_ticket_stays_on_its_page(specimen, shape):
    made = specimen()

    pdf = opened(tickets_document(made.order, made.printed, shape=shape))

    assert len(pdf.pages) == len(made.tickets)
    for page, ticket in zip(pdf.pages, made.tickets, strict=True):
        assert size_of(page) == ((210, 297) if shape == "ticket" else (90, 160))
        assert ticket.code in page.extract_text()


def test_polish_arabic_and_emoji_have_their_letters():
    """The latin and the extended file are two fonts; taken for one, their letters change places."""
    badges = badges_pdf(conference().event, conference().printed)
    hard = badges_pdf(hard_case().event, hard_case().printed)

    assert "Łucja" in said(badges) and "Żółkiewska" in said(badges)
    names = " ".join(fonts_of(hard))
    assert "Emoji" in names and "Familjen" in names
    assert [glyphs_missing(pdf) for pdf in (badges, hard)] == [0, 0]


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "¥16,093,75"), ("KWD", "KWD 1,609.375"), ("EUR", "€16,093.75")]
)
def test_amounts_have_as_many_decimals_as_their_currency(currency, total):
    specimen = conference()
    specimen.order.currency = currency
    amounts = {"JPY": "1,609,375", "KWD": "1,609.375", "EUR": "16,093.75"}

    assert amounts[currency] in said(invoice_pdf(specimen.invoice)).replace("\xa0", " ")
    assert amounts[currency] in said(tickets_document(specimen.order, specimen.printed))


def test_markup_in_a_name_is_printed_as_it_was_typed():
    assert "<b>Bo</b>" in said(badges_pdf(hard_case().event, hard_case().printed))


def test_a_document_is_in_the_orders_language():
    specimen = club_night()
    specimen.order.locale = "nl"

    pdf = opened(tickets_document(specimen.order, specimen.printed))

    assert pdf.trailer["/Root"]["/Lang"] == "nl"


@pytest.mark.django_db
def test_ticket_document(fjord):
    change_event(fjord.event, by=fjord.owner, starts_at=NIGHT, ends_at=LATE)
    order = fjord.place_free(2, attendees=(DORA,))
    order.placed_at = NIGHT.replace(month=1)

    pdf = tickets_pdf(order)

    assert opened(pdf).metadata.title == "Tickets for Fjord Tech Summit"
    assert opened(pdf).metadata.author == "Fjord Tech"
    compare("ticket-pdf.txt", steady(said(pdf), order) + "\n")


@pytest.mark.django_db
def test_badges_are_in_the_order_of_names_and_can_be_drawn_in_parts(fjord):
    first = fjord.place_free(2, attendees=(EMIL, DORA))
    fjord.place_invoice(1)

    everybody = badges_of(fjord.event)
    badges = opened(badges_pdf(fjord.event, everybody))
    sheet = opened(badges_pdf(fjord.event, everybody * 6, on_sheets=True))

    assert [b.ticket.first_name for b in everybody] == ["Dora", "Emil"]
    assert [b.ticket.first_name for b in badges_of(fjord.event, first=2, most=5)] == ["Emil"]
    assert len(badges_of(fjord.event, order=first)) == 2
    assert [size_of(page) for page in badges.pages] == [(101, 54), (101, 54)]
    assert "Dora" in badges.pages[0].extract_text()
    assert [size_of(page) for page in sheet.pages] == [(210, 297), (210, 297)]


def statement(payout):
    lines = [StatementLine(date(2026, 11, 3), "2 tickets", "7K2QX9FM", Money(4800, "EUR"))]
    return PayoutStatement(
        number="2026-11",
        organiser="Blauwe Kikker",
        account="NL00 BANK 0123",
        first_day=date(2026, 11, 1),
        last_day=date(2026, 11, 15),
        paid_on=date(2026, 11, 17),
        parts=[StatementPart("Mira Solano Quartet", lines, "EUR")],
        payout=Money(payout, "EUR"),
        carried_over=Money(800, "EUR"),
    )


def test_a_statement_that_does_not_sum_to_zero_is_not_made():
    assert statement(4000).earned == Money(4800, "EUR")

    with pytest.raises(DoesNotBalance):
        statement(4001)


def test_statement_document():
    compare("payout-statement-pdf.txt", said(DOCUMENTS["statement"]()) + "\n")


def test_invoice_document():
    compare("invoice-pdf.txt", said(invoice_pdf(conference().invoice)) + "\n")


def test_a_document_that_is_drawn_again_is_the_same():
    context = {"event": club_night().event, "sheets": [club_night().printed]}

    assert said(render_pdf("badge", context)) == said(render_pdf("badge", context))


# What a document may fetch -----------------------------------------------------------------


def drawn_with(body):
    """A document whose words a stranger has chosen, as if nothing had been escaped."""
    return _drawn(f'<html lang="en"><title>-</title><body>{body}</body></html>', "badge")


@pytest.mark.parametrize(
    "address",
    [
        "{secret}",
        "file://{secret}",
        "file://localhost{secret}",
        "file://{styles}/../../../.{secret}",
        "file://{styles}/%2e%2e/%2e%2e/%2e%2e/pyproject.toml",
        "../../../pyproject.toml",
        "static/css/documents/stub.svg",
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/a",
    ],
)
def test_a_document_reads_no_file_and_asks_nobody(tmp_path, caplog, address):
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>Confidential</text></svg>')
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.2)
        place = address.format(secret=secret, styles=STYLES, port=listening.getsockname()[1])

        pdf = drawn_with(
            f'<p>Words</p><img alt="a" src="{place}"><a rel="attachment" href="{place}">b</a>'
            f'<link rel="stylesheet" href="{place}"><object data="{place}" type="image/svg+xml">c</object>'
        )

        with pytest.raises(TimeoutError):
            listening.accept()
    assert "Words" in said(pdf) and "Confidential" not in said(pdf)
    assert b"/EmbeddedFile" not in pdf


def test_what_is_inside_of_a_document_and_our_fonts_are_fetched():
    picture = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
    )
    own = OwnFiles()

    assert own.fetch(picture).read().startswith(b"<svg")
    assert own.fetch((STYLES / "stub.svg").as_uri()).read().startswith(b"<svg")
    with pytest.raises(NotOurs):
        own.fetch((STYLES.parent / "tokens.css").as_uri())


def test_a_library_does_not_change_how_pictures_are_read():
    """The document library accepts parts of pictures; what is uploaded is not read that way."""
    script = (
        "import django; django.setup();"
        "from tiqqo.ui import pdf; pdf.warm_up();"
        "from PIL import ImageFile; assert ImageFile.LOAD_TRUNCATED_IMAGES;"
        "from django.core.files.base import ContentFile; from io import BytesIO; from PIL import Image;"
        "from tiqqo.core import images; out = BytesIO(); Image.effect_noise((99, 99), 50).save(out, 'PNG')\n"
        "try: images.logo_of(ContentFile(out.getvalue()[:-2000])); print('taken')\n"
        "except images.UnusableImage: print('refused')"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == "refused"


FORKED = """
import os, time
import django
django.setup()
from tiqqo import celery
from orders.documents import badges_pdf
from orders.styleguide import club_night

class Worker:
    class app:
        class amqp:
            class queues:
                consume_from = {"documents": None, "mail": None}

began = time.process_time()
celery.warm_up(sender=Worker)
cold = time.process_time() - began
child = os.fork()
if child == 0:
    began = time.process_time()
    made = badges_pdf(club_night().event, club_night().printed[:1])
    assert made.startswith(b"%PDF")
    print(time.process_time() - began, flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(cold)
"""


def test_a_worker_is_warm_before_it_forks():
    """The first document of a process that a worker forks costs a fraction of what warming up does."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    first, warming = map(float, done.stdout.split())

    assert first < warming / 2, f"{first:.2f} s after {warming:.2f} s"


def test_only_the_worker_of_documents_is_warmed_up(monkeypatch):
    queues = SimpleNamespace(consume_from={"default": None, "money": None})
    monkeypatch.setattr("tiqqo.ui.pdf.warm_up", lambda: pytest.fail("warmed up"))

    celery.warm_up(sender=SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=queues))))
