"""A trigger for each new case, once. Made, not written."""

import json
import os
import sys
from datetime import datetime, timedelta, timezone

from st2reactor.sensor.base import PollingSensor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from botnet_playbook_client import Playbook, PlaybookFailure  # noqa: E402


class CasesSensor(PollingSensor):
    """Keeps its cursor in the datastore, and moves it once the triggers are sent."""

    def setup(self):
        """Nothing: each poll connects by itself."""

    def poll(self):
        """One poll; a failure is logged and the next poll goes on where this one began."""
        logger = self.sensor_service.get_logger(__name__)
        config = self.config or {}
        try:
            playbook = Playbook(config.get("url") or "", config.get("token") or "", "", config.get("authorities") or "")
            state = json.loads(self.sensor_service.get_value("cursor") or "{}")
            start = datetime.now(timezone.utc) - timedelta(days=int(config.get("first_poll_days") or 3))
            cases, state = playbook.new_cases(state, start.isoformat(), 200)
        except PlaybookFailure as fault:
            logger.error(fault.sentence)
            return
        for case in cases:
            payload = {name: case[name] for name in ("case_id", "host", "status", "disposition")}
            self.sensor_service.dispatch(trigger="botnet_playbook.case", payload=payload, trace_tag=case["case_id"])
        self.sensor_service.set_value("cursor", json.dumps(state))

    def cleanup(self):
        """Nothing is open."""

    def add_trigger(self, trigger):
        """Nothing depends on a trigger."""

    def update_trigger(self, trigger):
        """Nothing depends on a trigger."""

    def remove_trigger(self, trigger):
        """Nothing depends on a trigger."""
