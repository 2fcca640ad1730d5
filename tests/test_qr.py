"""The picture of a Pix code, read back by a reader that others wrote."""

import io
import json
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from payments.qr import qr_png

VECTORS = json.loads((Path(__file__).parent / "vectors/pix/brcode-vectors.json").read_text(encoding="utf-8"))
CODES = [pytest.param(case["code"], id=case["name"]) for case in VECTORS["valid"]]


@pytest.mark.parametrize("code", CODES)
def test_the_picture_says_the_code(code: str) -> None:
    """The very text comes back, and the error correction is M: a scratch does no harm."""
    (found,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(qr_png(code))).convert("L"))
    assert found.text == code
    assert found.ec_level == "M"


@pytest.mark.parametrize("code", CODES)
def test_the_picture_is_a_square_of_black_and_white_with_a_quiet_zone(code: str) -> None:
    """At least 512 pixels wide, one bit each, white for four modules on every side and not for a fifth."""
    image = Image.open(io.BytesIO(qr_png(code)))
    assert image.mode == "1"
    assert image.width == image.height >= 512
    dark = image.convert("L").point(lambda shade: 255 - shade).getbbox()
    assert dark is not None
    # Seven modules are the width of a finder pattern, whose upper edge begins in the corner of what is dark.
    top = [image.getpixel((x, dark[1])) for x in range(dark[0], dark[2])]
    module = top.index(255) // 7
    assert dark == (4 * module, 4 * module, image.width - 4 * module, image.width - 4 * module)


def test_the_same_code_has_the_same_bytes() -> None:
    """So that a picture may be kept, and fetched again from elsewhere."""
    code = VECTORS["valid"][0]["code"]
    assert qr_png(code) == qr_png(code)
    assert qr_png(code) != qr_png(code[:-1] + "0")


@pytest.mark.parametrize("pixels_min", [1, 100, 512, 1080])
def test_the_picture_is_as_wide_as_asked_or_a_little_more(pixels_min: int) -> None:
    """Whole pixels for each module, and no more of them than needed."""
    width = Image.open(io.BytesIO(qr_png("Pix" * 30, pixels_min=pixels_min))).width
    modules = 41 + 2 * 4  # ninety bytes make a code of version 6; the quiet zone
    assert pixels_min <= width < pixels_min + modules
    assert width % modules == 0
