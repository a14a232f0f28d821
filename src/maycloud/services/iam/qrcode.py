"""A text as a QR code in a PNG: bytes, error correction L, versions 7 to 13, as ISO/IEC 18004 has them.

Made for the address of an authenticator's seed, which has between 150 and 400 bytes.
"""

import struct
import zlib

# By version: correction codewords a block, data codewords of each block, centres of alignment patterns.
_VERSIONS: dict[int, tuple[int, list[int], list[int]]] = {
    7: (20, [78] * 2, [6, 22, 38]),
    8: (24, [97] * 2, [6, 24, 42]),
    9: (30, [116] * 2, [6, 26, 46]),
    10: (18, [68] * 2 + [69] * 2, [6, 28, 50]),
    11: (20, [81] * 4, [6, 30, 54]),
    12: (24, [92] * 2 + [93] * 2, [6, 32, 58]),
    13: (26, [107] * 4, [6, 34, 62]),
}
_BYTES = 4  # the mode
_FORMAT = 0b01000  # correction L, mask 0: (row + column) % 2 == 0
_SCALE, _QUIET = 4, 4  # pixels of a module, modules around the code

_EXPONENTS = [1] * 512
_LOGARITHMS = [0] * 256
for _power in range(1, 512):
    _value = _EXPONENTS[_power - 1] << 1
    _EXPONENTS[_power] = _value ^ 0x11D if _value > 255 else _value
for _power in range(255):
    _LOGARITHMS[_EXPONENTS[_power]] = _power

Grid = list[list[bool | None]]


def png(text: str) -> bytes:
    """Raises ValueError for a text that is too long."""
    return _picture(modules(text.encode()))


def modules(content: bytes) -> list[list[bool]]:
    """The code, row by row; True is dark."""
    version = next((v for v, (_, blocks, _) in _VERSIONS.items() if _fits(content, v, sum(blocks))), None)
    if version is None:
        raise ValueError("too long for a code")
    size = 17 + 4 * version
    grid: Grid = [[None] * size for _ in range(size)]
    _draw_patterns(grid, version)
    reserved = [[module is not None for module in row] for row in grid]
    _draw_data(grid, _codewords(content, version), reserved)
    return [[bool(module) for module in row] for row in grid]


def _fits(content: bytes, version: int, room: int) -> bool:
    return 4 + (8 if version < 10 else 16) + 8 * len(content) <= 8 * room


def _codewords(content: bytes, version: int) -> bytes:
    """Data and its correction, the blocks interleaved."""
    correction, blocks, _ = _VERSIONS[version]
    room = sum(blocks)
    bits = f"{_BYTES:04b}{len(content):0{8 if version < 10 else 16}b}" + "".join(f"{b:08b}" for b in content)
    bits += "0" * min(4, 8 * room - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    data += bytes((0xEC, 0x11) * room)[: room - len(data)]
    pieces: list[bytes] = []
    for length in blocks:
        pieces.append(data[:length])
        data = data[length:]
    checks = [_remainder(piece, correction) for piece in pieces]
    woven = [piece[at] for at in range(max(blocks)) for piece in pieces if at < len(piece)]
    woven += [check[at] for at in range(correction) for check in checks]
    return bytes(woven)


def _remainder(data: bytes, length: int) -> bytes:
    """Reed-Solomon's correction codewords."""
    generator = [1]
    for power in range(length):
        following = [*generator, 0]
        for at, coefficient in enumerate(generator):
            following[at + 1] ^= _times(coefficient, _EXPONENTS[power])
        generator = following
    rest = [*data, *[0] * length]
    for at in range(len(data)):
        factor = rest[at]
        for offset, coefficient in enumerate(generator):
            rest[at + offset] ^= _times(coefficient, factor)
    return bytes(rest[len(data) :])


def _times(one: int, other: int) -> int:
    return _EXPONENTS[_LOGARITHMS[one] + _LOGARITHMS[other]] if one and other else 0


def _draw_patterns(grid: Grid, version: int) -> None:
    size = len(grid)
    for at in range(8, size - 8):
        grid[6][at] = grid[at][6] = at % 2 == 0
    for row, column in ((3, 3), (3, size - 4), (size - 4, 3)):
        for down in range(-4, 5):
            for right in range(-4, 5):
                if 0 <= row + down < size and 0 <= column + right < size:
                    grid[row + down][column + right] = max(abs(down), abs(right)) not in (2, 4)
    centres = _VERSIONS[version][2]
    for row in centres:
        for column in centres:
            if (row, column) in ((6, 6), (6, size - 7), (size - 7, 6)):
                continue
            for down in range(-2, 3):
                for right in range(-2, 3):
                    grid[row + down][column + right] = max(abs(down), abs(right)) != 1
    _draw_numbers(grid, version)


def _draw_numbers(grid: Grid, version: int) -> None:
    """What the reader must know: the format, twice, and the version, twice."""
    size = len(grid)
    bits = (_FORMAT << 10 | _check(_FORMAT, 10, 0x537)) ^ 0x5412
    around = [*range(6), 7, 8]
    for at in range(15):
        dark = bool(bits >> at & 1)
        row, column = (around[at], 8) if at < 8 else (8, [7, *range(5, -1, -1)][at - 8])
        grid[row][column] = dark
        row, column = (8, size - 1 - at) if at < 8 else (size - 15 + at, 8)
        grid[row][column] = dark
    grid[size - 8][8] = True
    bits = version << 12 | _check(version, 12, 0x1F25)
    for at in range(18):
        row, column = at // 3, size - 11 + at % 3
        grid[row][column] = grid[column][row] = bool(bits >> at & 1)


def _check(number: int, bits: int, generator: int) -> int:
    """The rest of a division of polynomials over two."""
    rest = number << bits
    while rest.bit_length() > bits:
        rest ^= generator << (rest.bit_length() - generator.bit_length())
    return rest


def _draw_data(grid: Grid, codewords: bytes, reserved: list[list[bool]]) -> None:
    """Up and down in columns of two from the right, past what is reserved, under the mask."""
    size = len(grid)
    bits = iter([byte >> shift & 1 for byte in codewords for shift in range(7, -1, -1)])
    upwards = True
    for right in [*range(size - 1, 6, -2), *range(5, 0, -2)]:
        for row in range(size - 1, -1, -1) if upwards else range(size):
            for column in (right, right - 1):
                if not reserved[row][column]:
                    grid[row][column] = bool(next(bits, 0)) ^ ((row + column) % 2 == 0)
        upwards = not upwards


def _picture(rows: list[list[bool]]) -> bytes:
    """One bit a pixel, dark on light."""
    size = (len(rows) + 2 * _QUIET) * _SCALE
    light = "1" * (_QUIET * _SCALE)
    lines: list[str] = ["1" * size] * (_QUIET * _SCALE)
    for row in rows:
        lines += [light + "".join("0" * _SCALE if dark else "1" * _SCALE for dark in row) + light] * _SCALE
    lines += ["1" * size] * (_QUIET * _SCALE)
    width = -(-size // 8)
    raw = b"".join(b"\0" + int(line.ljust(width * 8, "0"), 2).to_bytes(width, "big") for line in lines)
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
