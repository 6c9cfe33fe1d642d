"""Every action of the pack: one request to the service. Made, not written."""

from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines
from st2common.runners.base_action import Action


class PlaybookAction(Action):
    """Succeeds with the answer, rows under ``data``; fails with the sentence that says why."""

    def run(self, identifier, **given):
        """One action; parameters that were not given are None or empty."""
        try:
            playbook = Playbook(
                self.config.get("url") or "",
                self.config.get("token") or "",
                self.config.get("response_token") or "",
                self.config.get("authorities") or "",
            )
            answer = playbook.act(identifier, given, ACTIONS[identifier]["scope"])
        except PlaybookFailure as fault:
            return False, {"error": fault.sentence, "data": []}
        if answer["status"] != "success":
            return False, {**answer, "error": lines(answer)}
        return True, answer
