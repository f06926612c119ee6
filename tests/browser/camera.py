"""What Chromium's fake camera sees: a video made of QR images.

    camera = y4m_of(ticket_text, tmp_path / "camera.y4m")
    browser = playwright.chromium.launch(args=[*fake_camera(camera), …])

The video repeats as long as the camera runs. `None` is an empty view, so that a code that comes,
leaves and comes again is `y4m_of(text, path, views=[(text, 2), (None, 2)])`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import qrcode
from PIL import Image

WIDTH, HEIGHT, FRAMES_A_SECOND = 640, 480, 10
_BACKGROUND = 90  # luma of a wall in a dim hall
_NEUTRAL = 128  # chroma of grey

Qr = str | Path | None


def fake_camera(video: Path) -> list[str]:
    """Chromium's arguments for a camera that shows the video and asks nobody for permission."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    ]


def y4m_of(
    qr: Qr,
    path: Path,
    seconds: float = 2,
    *,
    views: Sequence[tuple[Qr, float]] = (),
    scale: float = 0.6,
) -> Path:
    """A video of the QR at `path`: of a text, or of the image a Path leads to.

    `views` are (QR, seconds) one after the other instead; `scale` is the share of the picture's
    height that the code takes, quiet zone included.
    """
    path = Path(path)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for view, length in views or [(qr, seconds)]:
            frame = b"FRAME\n" + _frame(view, scale)
            for _ in range(max(1, round(length * FRAMES_A_SECOND))):
                out.write(frame)
    return path


def _frame(qr: Qr, scale: float) -> bytes:
    luma = np.full((HEIGHT, WIDTH), _BACKGROUND, dtype=np.uint8)
    if qr is not None:
        code = _pixels(qr, round(HEIGHT * scale))
        top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
        luma[top : top + code.shape[0], left : left + code.shape[1]] = code
    chroma = np.full((2, HEIGHT // 2, WIDTH // 2), _NEUTRAL, dtype=np.uint8)
    return luma.tobytes() + chroma.tobytes()


def _pixels(qr: str | Path, size: int) -> np.ndarray:
    if isinstance(qr, Path):
        image = Image.open(qr)
    else:
        code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
        code.add_data(qr, optimize=0)
        image = code.make_image().get_image()
    grey = image.convert("L").resize((size, size), Image.Resampling.BOX)
    # Video has no blacker than 16 and no whiter than 235.
    return (16 + np.asarray(grey, dtype=np.float32) / 255 * 219).astype(np.uint8)
