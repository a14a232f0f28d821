"""Codes beside what python-qrcode 8.2 draws of the same texts: bytes, level L, mask 0."""

import hashlib
import struct
import zlib

import pytest

from maycloud.services.iam import qrcode

TEXT = "otpauth://totp/" + "a%b:" * 200


@pytest.mark.parametrize(
    ("length", "version", "digest"),
    [
        (100, 7, "d8eccfc405708ac4"),
        (154, 7, "f51ecda59e8a1444"),
        (230, 9, "85d5cc73d13a320f"),
        (271, 10, "7b566cbe59c6fe83"),
        (321, 11, "79153a955c0bccdc"),
        (367, 12, "fd7a3156c59bf733"),
        (425, 13, "a04215a6a943a8de"),
    ],
)
def test_codes_are_drawn_as_others_draw_them(length: int, version: int, digest: str) -> None:
    rows = qrcode.modules(TEXT[:length].encode())
    assert len(rows) == 17 + 4 * version
    drawn = "".join("1" if dark else "0" for row in rows for dark in row)
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == digest


def test_the_picture_is_the_code_with_a_margin() -> None:
    text = TEXT[:160]
    rows = qrcode.modules(text.encode())
    picture = qrcode.png(text)
    size = (len(rows) + 8) * 4
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (size, size)
    start = picture.index(b"IDAT")
    length = int.from_bytes(picture[start - 4 : start], "big")
    width = -(-size // 8)
    raw = zlib.decompress(picture[start + 4 : start + 4 + length])
    lines = [raw[at + 1 : at + 1 + width] for at in range(0, len(raw), width + 1)]
    assert len(lines) == size

    def dark(row: int, column: int) -> bool:
        return not lines[row][column // 8] >> (7 - column % 8) & 1

    assert not dark(2, 2)
    for row, line in enumerate(rows):
        for column, wanted in enumerate(line):
            assert dark((row + 4) * 4 + 2, (column + 4) * 4 + 1) == wanted


def test_texts_that_are_too_long() -> None:
    with pytest.raises(ValueError, match="too long"):
        qrcode.png("x" * 426)
