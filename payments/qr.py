"""The picture of a Pix code: a QR as a one-bit PNG, the same bytes for the same text.

Error correction M and a quiet zone of four modules, at least 512 pixels wide. The mask is fixed: trying all eight costs
four times as much, and readers do not mind. The PNG is written here, since one bit per pixel and one run of zlib is all
there is to it.
"""

import struct
import zlib

import qrcode
from qrcode.constants import ERROR_CORRECT_M

_QUIET_MODULES = 4
_MASK = 4
_PIXELS_MIN = 512


def qr_png(text: str, *, pixels_min: int = _PIXELS_MIN) -> bytes:
    """Return the PNG of `text`, `pixels_min` wide or a little more."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_QUIET_MODULES, mask_pattern=_MASK)
    code.add_data(text, optimize=0)
    code.make(fit=True)
    matrix = code.get_matrix()
    scale = -(-pixels_min // len(matrix))
    side = len(matrix) * scale
    rows = bytearray()
    for line in matrix:
        bits = "".join(("0" if dark else "1") * scale for dark in line)
        row = int(bits.ljust(-(-side // 8) * 8, "0"), 2).to_bytes(-(-side // 8), "big")
        rows += (b"\0" + row) * scale
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(bytes(rows), 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
