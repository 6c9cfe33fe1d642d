"""Botnet Playbook for Shuffle: a method an action. Made, not written."""

import json

from botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines
from shuffle_sdk import AppBase


def carried_out(access, identifier, given):
    """The answer as a JSON text; a failure says why under ``reason``."""
    try:
        answer = Playbook(*access).act(identifier, given, ACTIONS[identifier]["scope"])
    except PlaybookFailure as fault:
        return json.dumps({"success": False, "reason": fault.sentence, "data": []})
    good = answer["status"] == "success"
    return json.dumps({**answer, "success": good, **({} if good else {"reason": lines(answer)})})


class BotnetPlaybook(AppBase):
    """The app as Shuffle's worker runs it."""

    __version__ = "0.2.0"
    app_name = "Botnet Playbook"

    def test_connectivity(self, url, token, response_token="", authorities=""):
        """Try every configured connector: credentials, permissions, scope and fields."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "test_connectivity", {})

    def fetch_detections(self, url, token, response_token="", authorities="", source="", hours="", start="", end=""):
        """Run the beaconing detection over a configured source and return its rows."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "fetch_detections", {"source": source, "hours": hours, "start": start, "end": end})

    def get_case(self, url, token, case_id, response_token="", authorities=""):
        """Read a case: its verdict, plan and answers, what is in force, its tickets and the alerts that it came from."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "get_case", {"case_id": case_id})

    def judge_detection(self, url, token, response_token="", authorities="", alert="", src_ip="", dst_ip="", dst_port="", connections="", hourly_buckets="", first_seen="", last_seen="", hostname="", total_bytes_sent="", total_bytes_rcvd="", avg_bytes_per_conn="", processes="", services="", transports="", ntp_sized="", denied="", blocked="", avg_per_hour="", irc_port="", beaconing_score="", bytes_known="", detection_id="", rule_severity="", rule_confidence="", techniques="", source=""):
        """Judge one detection: disposition, the rung that decided, the evidence, what is missing and what would change it."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "judge_detection", {"alert": alert, "src_ip": src_ip, "dst_ip": dst_ip, "dst_port": dst_port, "connections": connections, "hourly_buckets": hourly_buckets, "first_seen": first_seen, "last_seen": last_seen, "hostname": hostname, "total_bytes_sent": total_bytes_sent, "total_bytes_rcvd": total_bytes_rcvd, "avg_bytes_per_conn": avg_bytes_per_conn, "processes": processes, "services": services, "transports": transports, "ntp_sized": ntp_sized, "denied": denied, "blocked": blocked, "avg_per_hour": avg_per_hour, "irc_port": irc_port, "beaconing_score": beaconing_score, "bytes_known": bytes_known, "detection_id": detection_id, "rule_severity": rule_severity, "rule_confidence": rule_confidence, "techniques": techniques, "source": source})

    def look_up_address(self, url, token, address, response_token="", authorities=""):
        """Say who holds an address, and which lists, feeds, operators and vendors name it."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "look_up_address", {"address": address})

    def look_up_host(self, url, token, response_token="", authorities="", host="", address=""):
        """Say what the inventories know of a host: its identity, roles, owner, addresses and declared backup jobs."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "look_up_host", {"host": host, "address": address})

    def propose_response(self, url, token, response_token="", authorities="", alert="", src_ip="", dst_ip="", dst_port="", connections="", hourly_buckets="", first_seen="", last_seen="", hostname="", total_bytes_sent="", total_bytes_rcvd="", avg_bytes_per_conn="", processes="", services="", transports="", ntp_sized="", denied="", blocked="", avg_per_hour="", irc_port="", beaconing_score="", bytes_known="", detection_id="", rule_severity="", rule_confidence="", techniques="", source=""):
        """Propose a response to one detection: the plan with its digest, what may not be blocked, what a person must do."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "propose_response", {"alert": alert, "src_ip": src_ip, "dst_ip": dst_ip, "dst_port": dst_port, "connections": connections, "hourly_buckets": hourly_buckets, "first_seen": first_seen, "last_seen": last_seen, "hostname": hostname, "total_bytes_sent": total_bytes_sent, "total_bytes_rcvd": total_bytes_rcvd, "avg_bytes_per_conn": avg_bytes_per_conn, "processes": processes, "services": services, "transports": transports, "ntp_sized": ntp_sized, "denied": denied, "blocked": blocked, "avg_per_hour": avg_per_hour, "irc_port": irc_port, "beaconing_score": beaconing_score, "bytes_known": bytes_known, "detection_id": detection_id, "rule_severity": rule_severity, "rule_confidence": rule_confidence, "techniques": techniques, "source": source})

    def add_exception(self, url, token, owner, reason, ends, response_token="", authorities="", source="", destination="", port="", indicator=""):
        """Enter an exception with owner, reason, scope and an end date at most 180 days away."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "add_exception", {"owner": owner, "reason": reason, "ends": ends, "source": source, "destination": destination, "port": port, "indicator": indicator})

    def approve_plan(self, url, token, plan_id, digest, response_token="", authorities="", comment=""):
        """Approve exactly one plan by its digest; the token counts as one approver, and never for what it filed itself."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "approve_plan", {"plan_id": plan_id, "digest": digest, "comment": comment})

    def comment_case(self, url, token, case_id, comment, response_token="", authorities=""):
        """Add a comment to a case: it is kept in the trail and sent to the case's ticket."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "comment_case", {"case_id": case_id, "comment": comment})

    def deny_plan(self, url, token, plan_id, digest, response_token="", authorities="", comment=""):
        """Deny a plan: one denial ends its request, and nothing is contained."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "deny_plan", {"plan_id": plan_id, "digest": digest, "comment": comment})

    def file_detection(self, url, token, response_token="", authorities="", alert="", src_ip="", dst_ip="", dst_port="", connections="", hourly_buckets="", first_seen="", last_seen="", hostname="", total_bytes_sent="", total_bytes_rcvd="", avg_bytes_per_conn="", processes="", services="", transports="", ntp_sized="", denied="", blocked="", avg_per_hour="", irc_port="", beaconing_score="", bytes_known="", detection_id="", rule_severity="", rule_confidence="", techniques="", source="", sender=""):
        """File a detection from outside: it is kept, measured, judged, filed as a case, and its plan waits for approval."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "file_detection", {"alert": alert, "src_ip": src_ip, "dst_ip": dst_ip, "dst_port": dst_port, "connections": connections, "hourly_buckets": hourly_buckets, "first_seen": first_seen, "last_seen": last_seen, "hostname": hostname, "total_bytes_sent": total_bytes_sent, "total_bytes_rcvd": total_bytes_rcvd, "avg_bytes_per_conn": avg_bytes_per_conn, "processes": processes, "services": services, "transports": transports, "ntp_sized": ntp_sized, "denied": denied, "blocked": blocked, "avg_per_hour": avg_per_hour, "irc_port": irc_port, "beaconing_score": beaconing_score, "bytes_known": bytes_known, "detection_id": detection_id, "rule_severity": rule_severity, "rule_confidence": rule_confidence, "techniques": techniques, "source": source, "sender": sender})

    def list_exceptions(self, url, token, response_token="", authorities="", live_only=""):
        """List the exceptions that people entered, with owner, reason, scope and end date."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "list_exceptions", {"live_only": live_only})

    def resolve_case(self, url, token, case_id, disposition, reason, response_token="", authorities="", fault=""):
        """Close a case with a disposition and a reason, kept beside our own verdict."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "resolve_case", {"case_id": case_id, "disposition": disposition, "reason": reason, "fault": fault})

    def write_outcome(self, url, token, case_id, response_token="", authorities=""):
        """Write what became of a case to the SIEM findings that it came from, once."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "write_outcome", {"case_id": case_id})

    def block_address(self, url, token, plan_id, digest, approved_by, address, response_token="", authorities=""):
        """Block an outside address for every source, as an approved plan says."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "block_address", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "address": address})

    def block_pair(self, url, token, plan_id, digest, approved_by, src_ip, dst_ip, dst_port, response_token="", authorities=""):
        """Block one source from one destination and port, as an approved plan says."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "block_pair", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "src_ip": src_ip, "dst_ip": dst_ip, "dst_port": dst_port})

    def isolate_host(self, url, token, plan_id, digest, approved_by, host_id, response_token="", authorities=""):
        """Isolate one host by its inventory identity, as an approved plan says."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "isolate_host", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "host_id": host_id})

    def release_address(self, url, token, plan_id, digest, approved_by, address, response_token="", authorities=""):
        """Release the block of an outside address that this playbook set."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "release_address", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "address": address})

    def release_host(self, url, token, plan_id, digest, approved_by, host_id, response_token="", authorities=""):
        """Release a host from the isolation that this playbook set."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "release_host", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "host_id": host_id})

    def release_pair(self, url, token, plan_id, digest, approved_by, src_ip, dst_ip, dst_port, response_token="", authorities=""):
        """Release the block of one source, destination and port that this playbook set."""
        access = (url, token, response_token, authorities)
        return carried_out(access, "release_pair", {"plan_id": plan_id, "digest": digest, "approved_by": approved_by, "src_ip": src_ip, "dst_ip": dst_ip, "dst_port": dst_port})


if __name__ == "__main__":
    BotnetPlaybook.run()
