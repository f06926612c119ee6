"""What a document may fetch: its own pictures, and our style sheets and fonts. Nothing else there is."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings
from weasyprint.urls import URLFetcher, URLFetcherResponse

FOLDERS = ("static/css/documents", "node_modules/@fontsource")


class NotOurs(ValueError):
    """A document asked for something that is neither inside of it nor one of our files."""


class OwnFiles(URLFetcher):  # type: ignore[misc]
    """Refuses every address but `data:` and the files of FOLDERS, so that no words of strangers that
    came into a document could make it read a file or ask the network."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data", "file"), allow_redirects=False)

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """Raises NotOurs."""
        parts = urlsplit(url)
        if parts.scheme != "data" and not _is_ours(parts.scheme, parts.netloc, parts.path):
            raise NotOurs(f"A document may not fetch {url[:80]}")
        return super().fetch(url, headers)


def _is_ours(scheme: str, host: str, path: str) -> bool:
    if scheme != "file" or host:
        return False
    asked = Path(url2pathname(path)).resolve()
    return any(asked.is_relative_to((Path(settings.ROOT) / folder).resolve()) for folder in FOLDERS)
