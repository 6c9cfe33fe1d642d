"""Test of the connection. Made, not written."""

from __future__ import annotations

from soar_sdk.SiemplifyUtils import output_handler

from ..core.action import ping


@output_handler
def main() -> None:
    """Try the tokens."""
    ping(
        "Successfully connected to the botnet-playbook service with the provided connection parameters!",
        "Failed to connect to the botnet-playbook service! Error is {error}",
    )


if __name__ == "__main__":
    main()
