"""Uploads: what is no picture, or too much of one, is refused and never more than that."""

import os
import random
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from io import BytesIO
from threading import Thread

import pytest
from django.core.files.base import ContentFile
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from devtools.paths import REPOSITORY
from orders.documents import badges_pdf
from orders.styleguide import club_night
from tiqqo.core import images
from tiqqo.core.images import PicturesBusy, UnusableImage, logo_of, picture_of

MUTANTS = 7_000
MEGABYTE = 1024 * 1024


def encoded(kind, size=(48, 36), mode="RGB", **options):
    """A picture with something to see."""
    picture = Image.linear_gradient("L").resize(size)
    if mode in ("RGB", "RGBA", "CMYK"):
        picture = Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(180)])
    body = BytesIO()
    picture.convert(mode).save(body, kind, **options)
    return body.getvalue()


def exif(orientation=6):
    facts = Image.Exif()
    facts[0x0112], facts[0x010E], facts[0x0132] = orientation, "a gig", "2026:11:28 20:00:00"
    facts.get_ifd(0x8825)[1] = "N"
    return facts.tobytes()


def corpus():
    """Small pictures of every kind that people upload, with all that they may carry."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    words = PngImagePlugin.PngInfo()
    words.add_text("Title", "Quartet")
    words.add_text("Comment", "long " * 80, zip=True)
    words.add_itxt("Author", "Łucja", lang="pl", tkey="Autor", zip=True)
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("red", "green", "blue")]
    moving = {"save_all": True, "append_images": frames[1:], "duration": 100}
    return [
        encoded("JPEG", exif=exif(), icc_profile=profile, comment=b"from a phone"),
        encoded("JPEG", progressive=True, exif=exif(3)),
        encoded("JPEG", mode="CMYK", subsampling=0),
        encoded("JPEG", mode="L", restart_marker_blocks=2),
        encoded("PNG", mode="RGBA", pnginfo=words, exif=exif(5), icc_profile=profile),
        encoded("PNG", mode="P", transparency=3),
        encoded("PNG", mode="I;16"),
        encoded("PNG", mode="1"),
        encoded("PNG", mode="LA", dpi=(300, 300)),
        encoded("WEBP", mode="RGBA", lossless=True, exif=exif(8), icc_profile=profile),
        encoded("WEBP", quality=50, xmp=b"<x:xmpmeta/>"),
        encoded("GIF", mode="P"),
        written(frames[0], "PNG", **moving),
        written(frames[0], "WEBP", **moving),
        written(frames[0], "GIF", comment=b"from 1996", **moving),
    ]


def written(picture, kind, **options):
    body = BytesIO()
    picture.save(body, kind, **options)
    return body.getvalue()


def mutant(chance, original):
    """The same with some of it changed, cut off, repeated or missing; half of the PNGs with good sums."""
    body = bytearray(original)
    for _change in range(chance.randint(1, 4)):
        at = chance.randrange(len(body))
        match chance.randrange(6):
            case 0:
                body[at] ^= 1 << chance.randrange(8)
            case 1:
                body[at : at + 4] = struct.pack(">I", chance.choice([0, 1, 2**31 - 1, 2**32 - 1]))
            case 2:
                del body[at : at + chance.randint(1, 16)]
            case 3:
                body[at:at] = bytes(chance.randbytes(chance.randint(1, 16)))
            case 4:
                body[at:at] = body[at // 2 : at // 2 + chance.randint(1, 40)]
            case 5:
                del body[max(at, 12) :]
        if not body:
            break
    if original.startswith(b"\x89PNG") and chance.random() < 0.5:
        return with_good_sums(bytes(body))
    return bytes(body)


def with_good_sums(png):
    """Checksums that fit what was changed, so that the chunk itself is looked at."""
    out, at = bytearray(png[:8]), 8
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(png):
            break
        out += png[at:end] + struct.pack(">I", zlib.crc32(png[at + 4 : end]))
        at = end + 4
    return bytes(out + png[at:])


def outcome(make, body):
    try:
        made = make(ContentFile(body, name="upload"))
    except UnusableImage as error:
        return f"refused at {error.field}"
    Image.open(made).load()
    return "taken"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_of_seven_thousand_broken_pictures_each_is_taken_or_refused():
    chance = random.Random(20261128)
    originals = corpus()
    seen = Counter()

    for number in range(MUTANTS):
        body = mutant(chance, originals[number % len(originals)])
        seen[outcome((logo_of, picture_of)[number % 2], body)] += 1

    assert sum(seen.values()) == MUTANTS
    assert set(seen) == {"taken", "refused at image", "refused at logo"}
    assert min(seen.values()) > MUTANTS / 10


@pytest.mark.parametrize("number", range(11))
def test_every_kind_of_picture_is_taken(number):
    body = corpus()[number]

    assert outcome(picture_of, body) == outcome(logo_of, body) == "taken"


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), SyntaxError("broken PNG"), TypeError(), KeyError(7)]
)
def test_whatever_the_decoder_raises_is_a_refusal(monkeypatch, error):
    def fail(self):
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)

    with pytest.raises(UnusableImage):
        picture_of(ContentFile(encoded("PNG")))


def test_a_photo_that_was_turned_stands_upright_and_fills_its_box():
    upright = Image.open(picture_of(ContentFile(encoded("JPEG", (4032, 3024), exif=exif(6)))))

    assert upright.size == (675, 900)
    assert upright.getexif() == {}


def test_grey_of_sixteen_bits_stays_grey():
    logo = Image.open(logo_of(ContentFile(encoded("PNG", (64, 64), "I;16"))))
    plain = Image.open(logo_of(ContentFile(encoded("PNG", (64, 64), "L"))))
    drawn = Image.new("I;16", (64, 64), 128 * 256)

    shown = Image.open(logo_of(ContentFile(written(drawn, "PNG"))))

    assert shown.getpixel((9, 9)) == (128, 128, 128, 255)
    assert logo.size == plain.size


def header_of_png(width, height, *, colour=6):
    """A PNG that says how large it is, and no more."""
    facts = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunk = b"IHDR" + facts
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


@pytest.mark.parametrize("size", [(7000, 7100), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch, size):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))

    with pytest.raises(UnusableImage):
        logo_of(ContentFile(header_of_png(*size) + b"\0\0\0\0IDAT5\xaf\x06\x1e"))


def test_a_large_photo_is_decoded_at_a_fraction_of_its_size(monkeypatch):
    decoded = []
    load = ImageFile.ImageFile.load

    def note(self):
        decoded.append(self.size)
        return load(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", note)

    made = Image.open(picture_of(ContentFile(encoded("JPEG", (6000, 4000), "L"))))

    assert made.size == (1350, 900)
    assert decoded[0] == (2000, 1333) or decoded[0] == (3000, 2000)


@pytest.mark.parametrize("limit", ["LIMIT_COEFFICIENTS", "LIMIT_SCANS"])
def test_a_jpeg_that_takes_long_or_much_to_decode_is_refused(monkeypatch, limit):
    body = encoded("JPEG", progressive=True)
    assert outcome(picture_of, body) == "taken"

    monkeypatch.setattr(images, limit, 2)

    assert outcome(picture_of, body) == "refused at image"


def test_a_part_of_a_picture_is_refused_after_a_pdf_was_drawn():
    badges_pdf(club_night().event, club_night().printed)
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # as importing WeasyPrint does
    whole = [encoded(kind, (300, 200)) for kind in ("JPEG", "PNG", "WEBP")]

    assert [outcome(picture_of, body) for body in whole] == ["taken"] * 3
    assert [outcome(picture_of, body[: len(body) // 2]) for body in whole] == [
        "refused at image"
    ] * 3


def test_one_picture_is_in_hand_one_waits_and_the_third_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(images, "WAIT_SECONDS", 60.0)
    body, outcomes = encoded("PNG"), []

    with images._in_hand():
        second = Thread(target=lambda: outcomes.append(outcome(logo_of, body)))
        second.start()
        while images._admitted._value:
            time.sleep(0.01)
        with pytest.raises(PicturesBusy) as third:
            logo_of(ContentFile(body))
        assert outcomes == []
    second.join(60)

    assert outcomes == ["taken"]
    assert (third.value.status, third.value.field) == (503, "logo")
    assert outcome(picture_of, body) == "taken"


def test_who_waits_too_long_is_told_to_come_again(monkeypatch):
    monkeypatch.setattr(images, "WAIT_SECONDS", 0.05)

    with images._in_hand(), pytest.raises(PicturesBusy):
        picture_of(ContentFile(encoded("PNG")))

    assert outcome(picture_of, encoded("PNG")) == "taken"


FOUR_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import django

django.setup()
from django.core.files.base import ContentFile
from tiqqo.core.errors import DomainError
from tiqqo.core.images import logo_of, picture_of

def resident(of):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(of))

def upload(number):
    try:
        (logo_of, picture_of)[number % 2](ContentFile(body))
    except DomainError as error:
        return type(error).__name__
    return "taken"

body = Path(sys.argv[1]).read_bytes()
Path("/proc/self/clear_refs").write_text("5")
before = resident("VmRSS")
with ThreadPoolExecutor(4) as pool:
    outcomes = sorted(pool.map(upload, range(4)))
print(resident("VmHWM") - before, *outcomes)
"""


def flat(kind, size, mode, **options):
    """A picture of one colour: small to send, large to decode."""
    return written(Image.new(mode, size, (200,) * len(mode)), kind, **options)


@pytest.mark.parametrize(
    ("kind", "size", "mode", "options"),
    [
        ("PNG", (4096, 3072), "RGBA", {}),
        ("WEBP", (2048, 3072), "RGBA", {"lossless": True}),
        ("JPEG", (6600, 5000), "RGB", {"progressive": True}),
        ("JPEG", (4096, 4096), "RGB", {"progressive": True, "subsampling": 0}),
        ("PNG", (7000, 7100), "RGBA", {}),
    ],
    ids=["png", "webp", "progressive", "coefficients", "refused"],
)
def test_four_uploads_at_once_take_less_than_150_mb(tmp_path, kind, size, mode, options):
    upload = tmp_path / "upload"
    upload.write_bytes(flat(kind, size, mode, **options))

    printed = subprocess.run(
        [sys.executable, "-c", FOUR_AT_ONCE, str(upload)],
        cwd=REPOSITORY,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()

    taken, outcomes = int(printed[0]), printed[1:]
    assert taken < 150 * MEGABYTE, f"{taken / MEGABYTE:.0f} MB"
    assert set(outcomes) <= {"taken", "PicturesBusy", "UnusableImage"}
    assert ("taken" in outcomes) is (size != (7000, 7100))


@pytest.mark.parametrize("name", ["", None])
def test_where_there_was_no_picture_none_is_removed(db, django_capture_on_commit_callbacks, name):
    with django_capture_on_commit_callbacks() as callbacks:
        images.remove_picture(name)

    assert callbacks == []
