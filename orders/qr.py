"""QR images (ISO/IEC 18004) of ticket codes."""

from io import BytesIO
from typing import Any

# The library is imported where it draws: most web processes never do, and are smaller without it.


def _code(text: str) -> Any:
    """Error correction M, quiet zone of four modules."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, box_size=8)
    code.add_data(text, optimize=0)
    return code


def qr_svg(text: str) -> str:
    """An SVG of one path: for screens."""
    from qrcode.image.svg import SvgPathImage

    out = BytesIO()
    _code(text).make_image(image_factory=SvgPathImage).save(out)
    return out.getvalue().decode()


def qr_png(text: str) -> bytes:
    """A one-bit PNG, eight pixels a module: for documents, which embed it without drawing."""
    from qrcode.image.pil import PilImage

    out = BytesIO()
    _code(text).make_image(image_factory=PilImage).save(out, "PNG")
    return out.getvalue()
