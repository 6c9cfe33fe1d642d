"""A conn.log of any size: the sample day written again and again onto new hosts, hour by hour."""

from pathlib import Path

from playbook.model import Value
from playbook.simulate.flows import HOUR
from playbook.simulate.records import Connection
from playbook.simulate.zeek import conn_row, preamble

# Third octet's worth of hosts a tile may hold, and tiles that 10/8 has room for (10.0.x.y is left free).
_MOST_HOSTS = 254
_MOST_BLOCKS = 255 * 256
_BLOCK = b"10.0.0."


class Tiled(Value):
    """What a tiling wrote: bytes and rows in the file, and the number of distinct hosts in it."""

    path: Path
    size: int
    rows: int
    hosts: int


def tile(path: Path, target_bytes: int, day: tuple[Connection, ...], *, blocks: int | None = None) -> Tiled:
    """Write a plain conn.log of about ``target_bytes`` (never less; at most a day and 7 % more).

    Each tile is the whole ``day`` on hosts 10.A.B.x of its own, so rows spread over the day and the answer of the
    detection grows with the file. With ``blocks`` tiles reuse that many host blocks: more rows, same tuples.
    Raises ValueError when the day has more than 254 sources or the file needs more than 65,280 blocks.
    """
    hours = _hours(day)
    head = preamble("conn").encode()
    shortest = sum(len(_on_block(hour, 0, 0)) for hour in hours)
    tiles = max(1, -(-(target_bytes - len(head)) // shortest))
    distinct = min(tiles, blocks or tiles)
    if distinct > _MOST_BLOCKS:
        raise ValueError(f"{target_bytes} bytes need {distinct} blocks of hosts; there are {_MOST_BLOCKS}")
    with path.open("wb", buffering=1 << 20) as out:
        out.write(head)
        for hour in hours:
            for number in range(tiles):
                out.write(_on_block(hour, number % distinct, number))
        size = out.tell()
    sources = len({row.src_ip for row in day})
    return Tiled(path=path, size=size, rows=tiles * len(day), hosts=distinct * sources)


def _hours(day: tuple[Connection, ...]) -> tuple[bytes, ...]:
    """The rows of each hour as text, every source renumbered to 10.0.0.N."""
    sources = sorted({row.src_ip for row in day})
    if len(sources) > _MOST_HOSTS:
        raise ValueError(f"a tile holds at most {_MOST_HOSTS} sources, the day has {len(sources)}")
    number = {source: index + 1 for index, source in enumerate(sources)}
    hours: dict[int, list[str]] = {}
    for row in sorted(day, key=lambda r: r.ts):
        moved = row.model_copy(update={"src_ip": f"{_BLOCK.decode()}{number[row.src_ip]}"})
        hours.setdefault(int(row.ts // HOUR), []).append(conn_row(moved) + "\n")
    return tuple("".join(lines).encode() for _, lines in sorted(hours.items()))


def _on_block(text: bytes, block: int, number: int) -> bytes:
    """The template on the hosts of one block, with connection ids of its own."""
    address = b"10.%d.%d." % (1 + block // 256, block % 256)
    return text.replace(b"\tC", b"\tC%xz" % number).replace(b"\t" + _BLOCK, b"\t" + address)
