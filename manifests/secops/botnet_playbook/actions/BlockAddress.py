"""BlockAddress. Made, not written."""

from __future__ import annotations

from soar_sdk.SiemplifyUtils import output_handler

from ..core.action import run


@output_handler
def main() -> None:
    """Carry out the action."""
    run("block_address", "BlockAddress")


if __name__ == "__main__":
    main()
