"""Pictures that organisers uploaded, for everybody."""

import re
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve

# Folders and a name as we give them. What else an address may say names no file, and is never asked of
# the file system, which takes dots, NUL and long names each in its own way.
_NAME = re.compile(r"(?:[a-z0-9_-]{1,40}/){1,4}[A-Za-z0-9_-]{1,80}\.(?:jpg|png)")


@require_safe
def public_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """The file below `public`, the only folder of MEDIA_ROOT whose files have an address."""
    if not _NAME.fullmatch(name):
        raise Http404
    try:
        root = Path(settings.MEDIA_ROOT) / "public"
        return serve(request, name, document_root=str(root))
    except FileNotFoundError as error:
        raise Http404 from error
