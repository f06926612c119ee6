"""Mails of a developer's machine, read from the files that Django's file backend writes."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

_END = b"-" * 79
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Mail:
    name: str
    subject: str
    to: str
    date: str


def _files() -> list[Path]:
    folder = Path(settings.EMAIL_FILE_PATH)
    return sorted(folder.glob("*.log"), reverse=True) if folder.is_dir() else []


def _messages(path: Path) -> list[EmailMessage]:
    """The backend writes one file per connection; a line of dashes ends each message."""
    chunks = path.read_bytes().split(b"\n" + _END + b"\n")
    return [message_from_bytes(chunk, policy=policy.default) for chunk in chunks if chunk.strip()]


def _message_or_404(name: str) -> EmailMessage:
    stem, _dash, number = name.rpartition("_")
    for path in _files():
        if path.stem == stem and number.isdigit():
            messages = _messages(path)
            if int(number) < len(messages):
                return messages[int(number)]
    raise Http404


@require_GET
def mails(request: HttpRequest) -> HttpResponse:
    """All mails, newest first."""
    found = [
        Mail(
            f"{path.stem}_{number}",
            str(message["subject"]),
            str(message["to"]),
            str(message["date"]),
        )
        for path in _files()[:_SHOWN]
        for number, message in enumerate(_messages(path))
    ]
    return render(request, "dev/mails.html", {"mails": found})


@require_GET
@csp_update({"frame-src": [SELF]})
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One mail: its head, its text, its HTML in a frame, its attachments."""
    message = _message_or_404(name)
    text = message.get_body(("plain",))
    parts = [
        {"number": number, "type": part.get_content_type(), "filename": part.get_filename()}
        for number, part in enumerate(message.walk())
        if part.get_filename()
    ]
    html = next(
        (
            number
            for number, part in enumerate(message.walk())
            if part.get_content_type() == "text/html" and not part.get_filename()
        ),
        None,
    )
    return render(
        request,
        "dev/mail.html",
        {
            "name": name,
            "message": {key: message[key] for key in ("subject", "from", "to", "date", "reply-to")},
            "text": text.get_content() if text else "",
            "html": html,
            "parts": parts,
        },
    )


@require_GET
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF], "style-src": [UNSAFE_INLINE], "script-src": [NONE]})
def part(request: HttpRequest, name: str, part: int) -> HttpResponse:
    """A part of a mail as it was sent. Its inlined styles may apply; scripts never run."""
    walked = list(_message_or_404(name).walk())
    if part >= len(walked) or walked[part].is_multipart():
        raise Http404
    chosen = walked[part]
    payload = chosen.get_payload(decode=True)
    response = HttpResponse(payload, content_type=chosen.get_content_type())
    if chosen.get_content_charset():
        response["Content-Type"] = (
            f"{chosen.get_content_type()}; charset={chosen.get_content_charset()}"
        )
    if chosen.get_filename():
        response["Content-Disposition"] = f'inline; filename="{chosen.get_filename()}"'
    return response
