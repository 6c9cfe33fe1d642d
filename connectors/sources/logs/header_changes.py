"""A log whose columns change in the middle, cut into one plain file for each header, so that no row is misread."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from connectors.sources.logs.decompress import Bounds, TruncatedFile, lines_of
from connectors.sources.logs.files import LogFile
from connectors.sources.logs.rejects import Place, Rejected, named
from connectors.sources.logs.schema import Recognised

MOST_PARTS = 200


@dataclass
class HeaderParts:
    """The parts by the form of their rows, where each stands in the original, and the rows that are not read."""

    files: list[tuple[Recognised, LogFile]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    lost: Rejected = field(default_factory=Rejected)


def split(
    file: LogFile, form: Recognised, module: ModuleType, bounds: Bounds, folder: Path, number: int
) -> HeaderParts:
    """Copy ``file`` to ``folder``, cut before every header line that changes the columns.

    Rows below a header of another kind of log, and past ``MOST_PARTS`` headers, are counted as rejected.
    """
    parts, where = HeaderParts(), "the first line"
    current: Recognised | None = form
    anything = form.model_copy(update={"columns": ()})
    with ExitStack() as opened:
        copy: BinaryIO | None = _begin(parts, opened, file, form, folder / f"part-{number}-0.log", 0)
        try:
            for place, line in enumerate(lines_of(file.path, file.packing, bounds), 1):
                text = b"x" if line is None else line.replace(b"\0", b"").replace(b"\r", b" ")
                told = text.decode(errors="replace") if b"#fields" in text else ""
                changed = module.renamed(current or anything, told)
                if changed is not None:
                    where, copy = f"the #fields line {place}", None
                    current = changed if changed and changed.kind == form.kind else None
                    if current and len(parts.files) < MOST_PARTS:
                        target = folder / f"part-{number}-{len(parts.files)}.log"
                        copy = _begin(parts, opened, file, current, target, place - 1)
                if copy is not None:
                    copy.write(text + b"\n")
                elif text.strip() and not text.lstrip(b"\t ").startswith(b"#"):
                    reason = f"stands below {where}, which is not read"
                    parts.lost += Rejected(1, (named(file.path, place, reason),))
        except TruncatedFile:
            pass  # the survey has told of it
    parts.files = [(kept, part._replace(size=part.path.stat().st_size)) for kept, part in parts.files]
    return parts


def _begin(
    parts: HeaderParts, opened: ExitStack, file: LogFile, form: Recognised, target: Path, before: int
) -> BinaryIO:
    parts.files.append((form, file._replace(path=target, packing="plain", forms=(form,))))
    parts.places[str(target)] = Place(file.path, before)
    return opened.enter_context(target.open("wb"))
