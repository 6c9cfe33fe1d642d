"""Writes playbook/sample/ from the simulator: python scripts/build_sample.py [FOLDER]."""

import sys
from pathlib import Path

from playbook.simulate.sample import write_sample


def main(arguments: list[str]) -> None:
    """Write the sample into the folder given, by default the one that the package ships."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parent.parent / "playbook" / "sample"
    written = write_sample(folder)
    print(f"{len(written)} files, {sum(path.stat().st_size for path in written)} bytes in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
