"""The product's sign, a mast that beats: as SVG, and as PNG whose bytes do not depend on a compressor."""

import struct
import zlib

_RADII = (14, 26, 38)


def svg(colour: str) -> str:
    """The sign in one colour, 100 by 100."""
    arcs = "".join(f'<path d="M{50 - r} {46 + r // 3}a{r} {r} 0 0 1 {2 * r} 0"/>' for r in _RADII)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100" viewBox="0 0 100 100">'
        f'<g fill="none" stroke="{colour}" stroke-width="5" stroke-linecap="round">{arcs}'
        f'<path d="M50 56V88M36 88h28"/></g><circle cx="50" cy="54" r="5" fill="{colour}"/></svg>\n'
    )


def png(width: int, height: int, ink: tuple[int, int, int] = (22, 50, 79)) -> bytes:
    """The sign in the middle of a transparent image of this size."""
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    rows = bytearray()
    for y in range(height):
        bits = "".join("1" if _inked((x - left + 0.5) / side, (y - top + 0.5) / side) else "0" for x in range(width))
        padded = bits.ljust((width + 7) // 8 * 8, "0")
        rows += b"\0" + int(padded, 2).to_bytes(len(padded) // 8, "big")
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    palette = bytes((255, 255, 255, *ink))
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"tRNS", b"\0"), (b"IDAT", zlib.compress(bytes(rows), 0)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in (*chunks, (b"IEND", b"")))


def _inked(x: float, y: float) -> bool:
    """Whether the sign covers this point of the unit square."""
    distance = ((x - 0.5) ** 2 + (y - 0.54) ** 2) ** 0.5
    if distance < 0.06 or (abs(x - 0.5) < 0.025 and 0.54 < y < 0.9) or (abs(x - 0.5) < 0.15 and 0.86 < y < 0.9):
        return True
    return y < 0.52 and any(abs(distance - radius / 100) < 0.03 for radius in _RADII)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
