"""Files as answers."""

from django.http import HttpResponse


def pdf_response(document: bytes, filename: str) -> HttpResponse:
    """The PDF, to be kept under its name."""
    return HttpResponse(
        document,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
