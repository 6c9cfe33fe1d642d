"""The columns that detections beside the beaconing one have after the shared ones."""

from typing import Any

from playbook.model.detection import Detection

OF_A_NAME = ("dst_name", "destinations", "destination_count")
OF_A_LENGTH = ("longest_s",)
BESIDE = (*OF_A_NAME, *OF_A_LENGTH)


def beside(detection: Detection) -> dict[str, Any]:
    """Those that this detection has: of its name, where it is about one, and of the longest connection (seconds)."""
    names = (*(OF_A_NAME if detection.dst_name else ()), *(OF_A_LENGTH if detection.longest_s is not None else ()))
    return {name: getattr(detection, name) for name in names}
