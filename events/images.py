"""Pictures that organisers upload, made safe and light."""

from io import BytesIO

from django.core.files.base import ContentFile, File
from PIL import Image, ImageOps, UnidentifiedImageError

from events.errors import UnusableImage
from tiqqo.core.codes import new_code

LIMIT_BYTES = 10 * 1024 * 1024
LIMIT_PIXELS = 50_000_000
SIZE = (1600, 900)


def re_encoded(upload: "File[bytes]") -> "ContentFile[bytes]":
    """The picture as a JPEG of at most 1600 x 900, without metadata. Raises UnusableImage.

    Only what Pillow decodes and encodes again is kept, so nothing hidden in the file is ever served.
    """
    if upload.size is None or upload.size > LIMIT_BYTES:
        raise UnusableImage
    try:
        with Image.open(upload, formats=("JPEG", "PNG", "WEBP")) as opened:
            if opened.width * opened.height > LIMIT_PIXELS:
                raise UnusableImage
            picture = ImageOps.exif_transpose(opened)
            picture.thumbnail(SIZE)
            if picture.mode in ("RGBA", "LA", "P"):
                layered = picture.convert("RGBA")
                picture = Image.new("RGB", layered.size, "white")
                picture.paste(layered, mask=layered.getchannel("A"))
            encoded = BytesIO()
            picture = picture.convert("RGB")
            picture.info.clear()  # Pillow would write its comment back.
            picture.save(encoded, "JPEG", quality=82, optimize=True, progressive=True)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError, ValueError) as error:
        raise UnusableImage from error
    return ContentFile(encoded.getvalue(), name=f"{new_code(16).lower()}.jpg")
