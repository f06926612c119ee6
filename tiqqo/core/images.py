"""Pictures that organisers upload, made safe and light."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File
from django.utils.translation import gettext_lazy as _

from tiqqo.core.codes import new_code
from tiqqo.core.errors import Invalid

# The library is imported where it works: most web processes never do, and are smaller without it.
if TYPE_CHECKING:
    from PIL import Image

LIMIT_BYTES = 10 * 1024 * 1024
LIMIT_PIXELS = 50_000_000
PICTURE = (1600, 900)
LOGO = (640, 240)  # at most; shown at most 224 x 40 CSS pixels


class UnusableImage(Invalid):
    code = "unusable_image"
    field = "image"
    message = _("That file is not a picture we can use. Upload a JPEG, PNG or WebP up to 10 MB.")


def picture_of(upload: File[bytes]) -> ContentFile[bytes]:
    """A JPEG of at most 1600 x 900 on white, without metadata. Raises UnusableImage."""
    from PIL import Image

    decoded = _decoded(upload, PICTURE)
    if decoded.mode in ("RGBA", "LA", "P"):
        layered = decoded.convert("RGBA")
        decoded = Image.new("RGB", layered.size, "white")
        decoded.paste(layered, mask=layered.getchannel("A"))
    return _encoded(decoded.convert("RGB"), "jpg", "JPEG", quality=82, progressive=True)


def logo_of(upload: File[bytes]) -> ContentFile[bytes]:
    """A PNG of at most 640 x 240 that stays transparent, without metadata. Raises UnusableImage."""
    try:
        decoded = _decoded(upload, LOGO)
    except UnusableImage as error:
        error.field = "logo"
        raise
    return _encoded(decoded.convert("RGBA"), "png", "PNG")


def _decoded(upload: File[bytes], size: tuple[int, int]) -> Image.Image:
    """Only what Pillow decodes is encoded again, so nothing hidden in the file is ever served."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if upload.size is None or upload.size > LIMIT_BYTES:
        raise UnusableImage
    try:
        with Image.open(upload, formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > LIMIT_PIXELS:
                raise UnusableImage
            decoded = ImageOps.exif_transpose(opened)
            decoded.thumbnail(size)
            return decoded
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError) as error:
        raise UnusableImage from error


def _encoded(
    picture: Image.Image, ending: str, kind: str, **options: int | bool
) -> ContentFile[bytes]:
    encoded = BytesIO()
    picture.info.clear()  # Pillow would write its comment back.
    picture.save(encoded, kind, optimize=True, **options)
    return ContentFile(encoded.getvalue(), name=f"{new_code(16).lower()}.{ending}")
