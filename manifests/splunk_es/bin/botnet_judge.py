"""The alert action botnet_judge. Made, not written."""

import sys

from botnet_playbook_action import main

OFFERED = ('file_detection', 'add_exception', 'comment_case', 'fetch_detections', 'get_case', 'judge_detection', 'list_exceptions', 'look_up_address', 'look_up_host', 'propose_response', 'resolve_case', 'write_outcome')

if __name__ == "__main__":
    sys.exit(main("botnet_judge", OFFERED, sys.argv, sys.stdin))
