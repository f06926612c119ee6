"""QR images (ISO/IEC 18004) of ticket codes."""

from io import BytesIO

import qrcode
from qrcode.image.svg import SvgPathImage


def qr_svg(text: str) -> str:
    """An SVG with one path, quiet zone of four modules, error correction M."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    code.add_data(text, optimize=0)
    out = BytesIO()
    code.make_image(image_factory=SvgPathImage).save(out)
    return out.getvalue().decode()
