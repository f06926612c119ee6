"""Documents that somebody asked for: drawn by the worker, kept while they show what is so."""

from collections.abc import Iterable
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from orders.models import DOCUMENT_TRIES, DocumentFile
from orders.shown import Wanted, layout
from tiqqo.core import clock
from tiqqo.core.tasks import after_commit

# The sweeper leaves a fresh request to the task that was enqueued with it.
HEAD_START = timedelta(seconds=15)
BEGUN_HEAD_START = timedelta(seconds=5)
# One that was given up is tried again when it is asked for after that.
RESTS = timedelta(minutes=5)
# Nobody asked for it for so long: it can be drawn again.
KEPT_FOR = timedelta(days=1)
NOTED_EVERY = timedelta(hours=1)
FORGOTTEN_AT_ONCE = 200


@transaction.atomic
def request_document(wanted: Wanted) -> DocumentFile:
    """The document is kept, or a worker draws it: once, whoever asks for it meanwhile.

    Those of the same kind that showed what was so before are gone.
    """
    now = clock.now()
    document: DocumentFile
    document, made = DocumentFile.objects.get_or_create(
        state=wanted.state,
        layout=layout(),
        defaults={
            "kind": wanted.kind,
            "event": wanted.event,
            "order": wanted.order,
            "language": wanted.language,
            "total": wanted.total,
            "due_at": now + HEAD_START,
        },
    )
    if made:
        _forget(_same_as(document).exclude(pk=document.pk))
        after_commit("orders.tasks.draw_document", document.pk)
    elif document.is_given_up and document.due_at <= now:
        redraw_document(document)
    elif now - document.asked_at > NOTED_EVERY:
        DocumentFile.objects.filter(pk=document.pk).update(asked_at=now)
    return document


def _same_as(document: DocumentFile) -> QuerySet[DocumentFile]:
    return DocumentFile.objects.filter(
        kind=document.kind,
        event=document.event_id,
        order=document.order_id,
        language=document.language,
    )


@transaction.atomic
def redraw_document(document: DocumentFile) -> None:
    """A document whose file was lost, or that was given up, is drawn from the beginning."""
    now = clock.now()
    changes = {"done": 0, "attempts": 0, "last_error": "", "file": "", "claimed_at": None}
    changes |= {"drawn_at": None, "requested_at": now, "asked_at": now, "due_at": now + HEAD_START}
    # Whoever else found it lost meanwhile has asked for it.
    as_found = DocumentFile.objects.filter(pk=document.pk, due_at=document.due_at)
    if as_found.update(**changes):
        after_commit("orders.tasks.draw_document", document.pk)
    document.refresh_from_db()


def begin_document(document_id: int) -> DocumentFile | None:
    """The document, being worked on; None if that is done or it is gone. The caller has claimed it."""
    now = clock.now()
    mine = DocumentFile.objects.filter(pk=document_id, drawn_at=None, attempts__lt=DOCUMENT_TRIES)
    if not mine.update(claimed_at=now, due_at=now + BEGUN_HEAD_START):
        return None
    document_file: DocumentFile | None = mine.select_related(
        "event__organiser", "order__event__organiser"
    ).first()
    return document_file


def keep_slice(document: DocumentFile, part: bytes, *, done: int) -> None:
    """A slice is kept; so many tickets are drawn now."""
    name = document.next_part_name
    default_storage.delete(name)
    default_storage.save(name, ContentFile(part))
    document.done, document.due_at = done, clock.now() + HEAD_START
    DocumentFile.objects.filter(pk=document.pk).update(
        done=done, claimed_at=None, due_at=document.due_at
    )


def mark_drawn(document: DocumentFile, pdf: bytes) -> None:
    """The document is there for whoever asks for it. Nothing is kept of one that is gone meanwhile."""
    name = default_storage.save(f"private/documents/{document.state}.pdf", ContentFile(pdf))
    document.done, document.drawn_at, document.file.name = document.total, clock.now(), name
    kept = DocumentFile.objects.filter(pk=document.pk, drawn_at=None).update(
        done=document.total, drawn_at=document.drawn_at, file=name, claimed_at=None
    )
    _delete_files(document.part_names if kept else [name, *document.part_names])


@transaction.atomic
def outdate_document(document: DocumentFile) -> None:
    """What it was to show is not so any more: whoever waits asks for what is so."""
    _forget([document])


@transaction.atomic
def mark_document_failed(document_id: int, *, error: BaseException) -> None:
    """The failure is on record; it is tried again later, and given up after DOCUMENT_TRIES."""
    document_file = (
        DocumentFile.objects.select_for_update().filter(pk=document_id, drawn_at=None).first()
    )
    if document_file is None:
        return
    document_file.attempts += 1
    wait = RESTS if document_file.is_given_up else timedelta(seconds=10 * 2**document_file.attempts)
    document_file.last_error = f"{type(error).__name__}: {error}"[:500]
    document_file.due_at, document_file.claimed_at = clock.now() + wait, None
    document_file.save(update_fields=["attempts", "last_error", "due_at", "claimed_at"])


@transaction.atomic
def forget_documents() -> int:
    """What nobody asked for in KEPT_FOR is gone, with its files; how many."""
    old = DocumentFile.objects.filter(asked_at__lte=clock.now() - KEPT_FOR)
    return _forget(old.order_by("asked_at")[:FORGOTTEN_AT_ONCE])


def _forget(documents: Iterable[DocumentFile]) -> int:
    found = list(documents)
    if found:
        DocumentFile.objects.filter(pk__in=[document.pk for document in found]).delete()
        names = [name for document in found for name in _names_of(document)]
        transaction.on_commit(lambda: _delete_files(names), robust=True)
    return len(found)


def _names_of(document: DocumentFile) -> list[str]:
    return [document.file.name or ""] if document.file else document.part_names


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
