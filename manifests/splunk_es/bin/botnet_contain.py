"""The alert action botnet_contain. Made, not written."""

import sys

from botnet_playbook_action import main

OFFERED = ('approve_plan', 'deny_plan', 'block_address', 'block_pair', 'isolate_host', 'release_address', 'release_host', 'release_pair')

if __name__ == "__main__":
    sys.exit(main("botnet_contain", OFFERED, sys.argv, sys.stdin))
