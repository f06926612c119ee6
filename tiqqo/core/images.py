"""Pictures that organisers upload, made safe and light, within a bound of memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tiqqo.core.codes import new_code
from tiqqo.core.errors import Busy, Invalid
from tiqqo.core.limits import Limit

# The library is imported where it works: most web processes never do, and are smaller without it.
if TYPE_CHECKING:
    from PIL import Image

logger = logging.getLogger(__name__)

LIMIT_BYTES = 10 * 1024 * 1024
# So many are decoded: a picture of four bytes a pixel is held twice while it is made smaller. A JPEG may
# have more of them, because it is decoded at a fraction of its size.
LIMIT_PIXELS = 12 * 1024 * 1024
# WebP is decoded with three canvases beside the picture.
LIMIT_PIXELS_OF_WEBP = 6 * 1024 * 1024
# What the coefficients of a JPEG weigh that cannot be decoded line by line.
LIMIT_COEFFICIENTS = 96 * 1024 * 1024
# Each scan of it goes over all of them once more; usual are ten.
LIMIT_SCANS = 100
FORMATS = ("JPEG", "PNG", "WEBP")
PICTURE = (1600, 900)
LOGO = (640, 240)  # at most; shown at most 224 x 40 CSS pixels

# Of one organiser: each is a file, and takes a thread for as long as it is decoded.
PICTURES = Limit("pictures", count=60, seconds=3600)

# Who has to wait for longer than most pictures take is told to come again.
WAIT_SECONDS = 3.0
# One picture is in hand and one waits; a thread of the web is better used than by waiting third.
_admitted = BoundedSemaphore(2)
_one_at_a_time = Lock()

_SCAN = b"\xff\xda"  # in compressed data 0xff is followed by 0
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)  # by a quarter, so that its width is the height of the file


class UnusableImage(Invalid):
    code = "unusable_image"
    field = "image"
    message = _(
        "That file is not a picture we can use. Upload a JPEG, PNG or WebP up to 10 MB and 12 megapixels (WebP: 6)."
    )


class PicturesBusy(Busy):
    code = "pictures_busy"
    field = "image"
    message = _("Other pictures are being worked on. Choose yours again in a few seconds.")


def remove_picture(name: str | None) -> None:
    """The file goes once this transaction commits: nobody can look at it any more, and it takes no room."""
    if name:
        transaction.on_commit(partial(default_storage.delete, name), robust=True)


def picture_of(upload: File[bytes]) -> ContentFile[bytes]:
    """A JPEG of at most 1600 x 900 on white, without metadata. Raises UnusableImage, PicturesBusy."""
    return _made_of(upload, _as_picture)


def logo_of(upload: File[bytes]) -> ContentFile[bytes]:
    """A PNG of at most 640 x 240 that stays transparent, without metadata.

    Raises UnusableImage, PicturesBusy.
    """
    try:
        return _made_of(upload, _as_logo)
    except (UnusableImage, PicturesBusy) as error:
        error.field = "logo"
        raise


def _made_of(
    upload: File[bytes], make: Callable[[bytes], ContentFile[bytes]]
) -> ContentFile[bytes]:
    """The edge to Pillow: whatever it raises over a stranger's file says that the file is of no use.

    Which exceptions there are differs by format, chunk and release, and running out of memory is one.
    """
    if upload.size is None or upload.size > LIMIT_BYTES:
        raise UnusableImage
    with _in_hand():
        upload.seek(0)
        content = upload.read()
        try:
            return make(content)
        except Exception as error:  # noqa: BLE001  see above
            why = f"{type(error).__name__}: {error}"[:200]
    # Not from inside: the error would keep what was decoded until the page is answered.
    logger.info("picture.unusable", extra={"why": why})
    raise UnusableImage


@contextmanager
def _in_hand() -> Iterator[None]:
    """One picture is decoded at a time in a process. Raises PicturesBusy after WAIT_SECONDS."""
    if not _admitted.acquire(blocking=False):
        raise PicturesBusy
    try:
        if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
            raise PicturesBusy
        try:
            yield
        finally:
            _one_at_a_time.release()
    finally:
        _admitted.release()


def _as_picture(content: bytes) -> ContentFile[bytes]:
    from PIL import Image

    decoded = _decoded(content, PICTURE)
    if decoded.has_transparency_data:
        layered = decoded.convert("RGBA")
        decoded = Image.new("RGB", layered.size, "white")
        decoded.paste(layered, mask=layered.getchannel("A"))
    return _encoded(decoded.convert("RGB"), "jpg", "JPEG", quality=82, progressive=True)


def _as_logo(content: bytes) -> ContentFile[bytes]:
    return _encoded(_decoded(content, LOGO).convert("RGBA"), "png", "PNG")


def _decoded(content: bytes, size: tuple[int, int]) -> Image.Image:
    """Only what Pillow decodes is encoded again, so nothing hidden in the file is ever served."""
    from PIL import Image, ImageFile, ImageOps

    # WeasyPrint switches it on for the whole process: a part of a picture would be taken for all of it.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        if hasattr(opened, "layer"):
            _refuse_endless_jpeg(opened, content)
            # Not of others: Pillow decodes a PNG to say how it is turned.
            opened.draft(None, _box(opened, size))
        if opened.width * opened.height > _most_pixels(opened):
            raise UnusableImage
        opened.load()
        picture = _in_full_colour(opened)
        # Made smaller first: turning makes a copy.
        picture.thumbnail(_box(picture, size))
        ImageOps.exif_transpose(picture, in_place=True)
        return picture


def _refuse_endless_jpeg(opened: Image.Image, content: bytes) -> None:
    """A JPEG in several scans, as a progressive one, is held as coefficients of two bytes each."""
    layers: list[tuple[int, int, int, int]] = getattr(opened, "layer", [])
    widest = max(across for _name, across, _down, _table in layers)
    highest = max(down for _name, _across, down, _table in layers)
    values = sum(across * down for _name, across, down, _table in layers) / (widest * highest)
    weight = opened.width * opened.height * values * 2
    if weight > LIMIT_COEFFICIENTS or content.count(_SCAN) > LIMIT_SCANS:
        raise UnusableImage


def _most_pixels(opened: Image.Image) -> int:
    return min(LIMIT_PIXELS, LIMIT_PIXELS_OF_WEBP) if opened.format == "WEBP" else LIMIT_PIXELS


def _box(picture: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """The size as the file has it, whose picture may be turned by a quarter."""
    across, down = size
    is_turned = picture.getexif().get(_ORIENTATION) in _TURNED
    return (down, across) if is_turned else (across, down)


def _in_full_colour(picture: Image.Image) -> Image.Image:
    """A palette cannot be made smaller smoothly, and 16 bits of grey are more than the others have."""
    if picture.mode == "P":
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    return picture


def _encoded(
    picture: Image.Image, ending: str, kind: str, **options: int | bool
) -> ContentFile[bytes]:
    encoded = BytesIO()
    picture.info.clear()  # Pillow would write its comment back.
    picture.save(encoded, kind, optimize=True, **options)
    return ContentFile(encoded.getvalue(), name=f"{new_code(16).lower()}.{ending}")
