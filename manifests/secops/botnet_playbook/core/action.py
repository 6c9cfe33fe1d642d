"""What every action does: one request to the service, its rows as the JSON result. Made, not written."""

from __future__ import annotations

from soar_sdk.ScriptResult import EXECUTION_STATE_COMPLETED, EXECUTION_STATE_FAILED
from soar_sdk.SiemplifyAction import SiemplifyAction

from .botnet_playbook_client import ACTIONS, Playbook, PlaybookFailure, lines

INTEGRATION = "BotnetPlaybook"
WORDS = {'test_connectivity': {},
 'fetch_detections': {'source': 'Source', 'hours': 'Hours', 'start': 'Start', 'end': 'End'},
 'get_case': {'case_id': 'Case Id'},
 'judge_detection': {'alert': 'Alert',
                     'src_ip': 'Src Ip',
                     'dst_ip': 'Dst Ip',
                     'dst_port': 'Dst Port',
                     'connections': 'Connections',
                     'hourly_buckets': 'Hourly Buckets',
                     'first_seen': 'First Seen',
                     'last_seen': 'Last Seen',
                     'hostname': 'Hostname',
                     'total_bytes_sent': 'Total Bytes Sent',
                     'total_bytes_rcvd': 'Total Bytes Rcvd',
                     'avg_bytes_per_conn': 'Avg Bytes Per Conn',
                     'processes': 'Processes',
                     'services': 'Services',
                     'transports': 'Transports',
                     'ntp_sized': 'Ntp Sized',
                     'denied': 'Denied',
                     'blocked': 'Blocked',
                     'avg_per_hour': 'Avg Per Hour',
                     'irc_port': 'Irc Port',
                     'beaconing_score': 'Beaconing Score',
                     'bytes_known': 'Bytes Known',
                     'detection_id': 'Detection Id',
                     'rule_severity': 'Rule Severity',
                     'rule_confidence': 'Rule Confidence',
                     'techniques': 'Techniques',
                     'source': 'Source'},
 'look_up_address': {'address': 'Address'},
 'look_up_host': {'host': 'Host', 'address': 'Address'},
 'propose_response': {'alert': 'Alert',
                      'src_ip': 'Src Ip',
                      'dst_ip': 'Dst Ip',
                      'dst_port': 'Dst Port',
                      'connections': 'Connections',
                      'hourly_buckets': 'Hourly Buckets',
                      'first_seen': 'First Seen',
                      'last_seen': 'Last Seen',
                      'hostname': 'Hostname',
                      'total_bytes_sent': 'Total Bytes Sent',
                      'total_bytes_rcvd': 'Total Bytes Rcvd',
                      'avg_bytes_per_conn': 'Avg Bytes Per Conn',
                      'processes': 'Processes',
                      'services': 'Services',
                      'transports': 'Transports',
                      'ntp_sized': 'Ntp Sized',
                      'denied': 'Denied',
                      'blocked': 'Blocked',
                      'avg_per_hour': 'Avg Per Hour',
                      'irc_port': 'Irc Port',
                      'beaconing_score': 'Beaconing Score',
                      'bytes_known': 'Bytes Known',
                      'detection_id': 'Detection Id',
                      'rule_severity': 'Rule Severity',
                      'rule_confidence': 'Rule Confidence',
                      'techniques': 'Techniques',
                      'source': 'Source'},
 'add_exception': {'owner': 'Owner',
                   'reason': 'Reason',
                   'ends': 'Ends',
                   'source': 'Source',
                   'destination': 'Destination',
                   'port': 'Port',
                   'indicator': 'Indicator'},
 'approve_plan': {'plan_id': 'Plan Id', 'digest': 'Digest', 'comment': 'Comment'},
 'comment_case': {'case_id': 'Case Id', 'comment': 'Comment'},
 'deny_plan': {'plan_id': 'Plan Id', 'digest': 'Digest', 'comment': 'Comment'},
 'file_detection': {'alert': 'Alert',
                    'src_ip': 'Src Ip',
                    'dst_ip': 'Dst Ip',
                    'dst_port': 'Dst Port',
                    'connections': 'Connections',
                    'hourly_buckets': 'Hourly Buckets',
                    'first_seen': 'First Seen',
                    'last_seen': 'Last Seen',
                    'hostname': 'Hostname',
                    'total_bytes_sent': 'Total Bytes Sent',
                    'total_bytes_rcvd': 'Total Bytes Rcvd',
                    'avg_bytes_per_conn': 'Avg Bytes Per Conn',
                    'processes': 'Processes',
                    'services': 'Services',
                    'transports': 'Transports',
                    'ntp_sized': 'Ntp Sized',
                    'denied': 'Denied',
                    'blocked': 'Blocked',
                    'avg_per_hour': 'Avg Per Hour',
                    'irc_port': 'Irc Port',
                    'beaconing_score': 'Beaconing Score',
                    'bytes_known': 'Bytes Known',
                    'detection_id': 'Detection Id',
                    'rule_severity': 'Rule Severity',
                    'rule_confidence': 'Rule Confidence',
                    'techniques': 'Techniques',
                    'source': 'Source',
                    'sender': 'Sender'},
 'list_exceptions': {'live_only': 'Live Only'},
 'resolve_case': {'case_id': 'Case Id', 'disposition': 'Disposition', 'reason': 'Reason', 'fault': 'Fault'},
 'write_outcome': {'case_id': 'Case Id'},
 'block_address': {'plan_id': 'Plan Id',
                   'digest': 'Digest',
                   'approved_by': 'Approved By',
                   'address': 'Address'},
 'block_pair': {'plan_id': 'Plan Id',
                'digest': 'Digest',
                'approved_by': 'Approved By',
                'src_ip': 'Src Ip',
                'dst_ip': 'Dst Ip',
                'dst_port': 'Dst Port'},
 'isolate_host': {'plan_id': 'Plan Id',
                  'digest': 'Digest',
                  'approved_by': 'Approved By',
                  'host_id': 'Host Id'},
 'release_address': {'plan_id': 'Plan Id',
                     'digest': 'Digest',
                     'approved_by': 'Approved By',
                     'address': 'Address'},
 'release_host': {'plan_id': 'Plan Id',
                  'digest': 'Digest',
                  'approved_by': 'Approved By',
                  'host_id': 'Host Id'},
 'release_pair': {'plan_id': 'Plan Id',
                  'digest': 'Digest',
                  'approved_by': 'Approved By',
                  'src_ip': 'Src Ip',
                  'dst_ip': 'Dst Ip',
                  'dst_port': 'Dst Port'}}


def service(siemplify: SiemplifyAction) -> Playbook:
    """The service that the integration's instance names."""
    names = ("Server Url", "Token", "Response Token", "Authorities")
    values = [siemplify.extract_configuration_param(INTEGRATION, param_name=name, default_value="") for name in names]
    checked = siemplify.extract_configuration_param(INTEGRATION, param_name="Verify SSL", default_value="true")
    if str(checked).lower() != "true":
        raise PlaybookFailure("input", "Certificates are always checked: put the authority into Authorities instead.")
    return Playbook(*(value or "" for value in values))


def run(identifier: str, name: str) -> None:
    """Carry out one action; an incomplete answer fails and keeps its rows."""
    siemplify = SiemplifyAction()
    siemplify.script_name = f"{INTEGRATION} - {name}"
    action = ACTIONS[identifier]
    given = {
        slot: siemplify.extract_action_param(param_name=WORDS[identifier][slot], default_value="")
        for slot in action["inputs"]
    }
    try:
        answer = service(siemplify).act(identifier, given, action["scope"])
    except PlaybookFailure as fault:
        siemplify.LOGGER.error(fault.sentence)
        siemplify.end(fault.sentence, False, EXECUTION_STATE_FAILED)
        return
    good = answer["status"] == "success"
    siemplify.result.add_result_json(answer["data"])
    siemplify.end(lines(answer), good, EXECUTION_STATE_COMPLETED if good else EXECUTION_STATE_FAILED)


def ping(good: str, bad: str) -> None:
    """Whether the service answers and accepts the token."""
    siemplify = SiemplifyAction()
    siemplify.script_name = f"{INTEGRATION} - Ping"
    try:
        service(siemplify).check()
    except PlaybookFailure as fault:
        siemplify.end(bad.format(error=fault.sentence), False, EXECUTION_STATE_FAILED)
        return
    siemplify.end(good, True, EXECUTION_STATE_COMPLETED)
