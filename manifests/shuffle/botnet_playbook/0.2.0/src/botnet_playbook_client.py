"""Client of botnet-playbook's action API: one file, the standard library alone, Python 3.9 or later.

Packages carry this text as it is, some in the midst of another text, so that it begins with no ``__future__``.
Whatever goes wrong is a ``PlaybookFailure`` whose text is one sentence for people.
"""

import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

MOST_BYTES = 16 * 1024 * 1024
PAGE, MOST_PAGES, MOST_SEEN = 500, 40, 5000
# A case may become readable a little after the moment that it carries, so that each poll looks back by this.
OVERLAP_S = 600
OPEN = ("proposed", "ticket")


class PlaybookFailure(Exception):
    """Why there is no answer. ``kind``: token, scope, input, refused, busy, down or answer."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind, self.sentence = kind, sentence


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Nothing is followed: the token is for one address."""


class Playbook:
    """The service at one address. ``token`` files and reads, ``response_token`` answers plans and carries them out.

    ``authorities`` is a PEM text or the path of a file of one; without it the system's authorities count. Certificates
    are always checked, and plain http is for this machine only.
    """

    def __init__(
        self, address: str, token: str, response_token: str = "", authorities: str = "", timeout_s: float = 60.0
    ) -> None:
        self.address = _address(address)
        self._tokens = (token.strip(), response_token.strip())
        self._timeout_s = timeout_s
        handlers: list[Any] = [_NoRedirect()]
        if self.address.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=_context(authorities)))
        else:
            # What is for this machine never leaves it by a proxy.
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def check(self) -> None:
        """Try both tokens: the first has to read, the second, where there is one, to answer or carry out plans."""
        self._reaches("investigate", "token", ("investigate",))
        if self._tokens[1]:
            self._reaches("approve", "response token", ("approve", "contain"))

    def act(self, identifier: str, given: dict[str, Any], scope: str = "investigate") -> dict[str, Any]:
        """Carry out one action: status, message, complete, warnings and data, a list of flat rows."""
        values = {name: value for name, value in given.items() if value is not None and value != ""}
        path = f"/api/actions/{urllib.parse.quote(identifier, safe='')}"
        answer = self._request("POST", path, self._token(scope, identifier), json.dumps(values).encode())
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise PlaybookFailure("answer", f"The service at {self.address} does not answer as botnet-playbook does.")
        return answer

    def page(self, **query: Any) -> dict[str, Any]:
        """One page of cases, the last changed first; ``next_offset`` is None on the last one."""
        path = "/api/cases?" + urllib.parse.urlencode(query)
        answer = self._request("GET", path, self._token("investigate", "listing cases"), None)
        if not isinstance(answer, dict) or not isinstance(answer.get("cases"), list):
            raise PlaybookFailure("answer", f"The service at {self.address} does not answer as botnet-playbook does.")
        return answer

    def case(self, case_id: str) -> dict[str, Any]:
        """One case whole, with its verdict, its plan and its detections."""
        path = f"/api/cases/{urllib.parse.quote(case_id, safe='')}"
        answer = self._request("GET", path, self._token("investigate", "reading a case"), None)
        if not isinstance(answer, dict) or "case_id" not in answer:
            raise PlaybookFailure("answer", f"The service at {self.address} does not answer as botnet-playbook does.")
        return answer

    def new_cases(
        self, state: dict[str, Any], since: str, limit: int, statuses: tuple[str, ...] = OPEN
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """At most ``limit`` cases not given before, the oldest change first, and the state for the next poll.

        ``state`` is what the last poll gave, or {}; ``since`` (ISO 8601) is where the first poll begins. A case is
        given once, when it first has one of ``statuses``, however late it is recorded and however often it changes;
        the last ``MOST_SEEN`` are remembered.
        """
        start = state.get("since") or since
        seen = [str(one) for one in state.get("seen", ())]
        cases = self._changed_since(_earlier(start))
        known = set(seen)
        fresh = [one for one in cases if one["status"] in statuses and one["case_id"] not in known]
        chosen = fresh[:limit]
        # Where some are left for the next time the cursor stays before them.
        passed = [one["updated_at"] for one in (chosen if len(fresh) > limit else cases)]
        names = [*seen, *(str(one["case_id"]) for one in chosen)][-MOST_SEEN:]
        return chosen, {"since": max([start, *passed], key=_seconds), "seen": names}

    def _reaches(self, by: str, name: str, scopes: tuple[str, ...]) -> None:
        answer = self._request("GET", "/api/actions", self._token(by, "the test"), None)
        actions = answer.get("actions") if isinstance(answer, dict) else None
        if not isinstance(actions, list):
            raise PlaybookFailure("answer", f"The service at {self.address} does not answer as botnet-playbook does.")
        if not any(one.get("allowed") and one.get("scope") in scopes for one in actions):
            raise PlaybookFailure("scope", f"The {name} has not the scope {' or '.join(scopes)}.")

    def _changed_since(self, moment: str) -> list[dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        offset: Any = 0
        for _ in range(MOST_PAGES):
            page = self.page(changed_since=moment, limit=PAGE, offset=offset)
            rows.update({one["case_id"]: one for one in page["cases"]})
            offset = page.get("next_offset")
            if offset is None:
                return sorted(rows.values(), key=lambda one: (_seconds(one["updated_at"]), one["case_id"]))
        raise PlaybookFailure(
            "input", f"More than {PAGE * MOST_PAGES} cases changed since {moment}: poll from a later time."
        )

    def _token(self, scope: str, what: str) -> str:
        token, response_token = self._tokens
        if scope in ("approve", "contain"):
            if not response_token:
                raise PlaybookFailure(
                    "scope",
                    f"{what} needs the response token, of another account than the one that files, with the scope "
                    f"{scope}; none is configured.",
                )
            return response_token
        if not token:
            raise PlaybookFailure("token", f"{what} needs a token of botnet-playbook; none is configured.")
        return token

    def _request(self, method: str, path: str, token: str, body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        end = time.monotonic() + self._timeout_s
        try:
            request = urllib.request.Request(self.address + path, body, headers, method=method)
            with self._opener.open(request, timeout=self._timeout_s) as response:
                return json.loads(self._read(response, end))
        except urllib.error.HTTPError as fault:
            with fault:
                raise self._refusal(fault, end) from None
        except (OSError, ValueError) as fault:
            reason = getattr(fault, "reason", fault)
            if isinstance(fault, ValueError):
                raise PlaybookFailure("answer", f"The service at {self.address} does not answer in JSON.") from None
            raise PlaybookFailure(
                "down",
                f"botnet-playbook at {self.address} cannot be reached ({reason}); nothing is known to be changed. "
                "Check that `botnet-playbook serve` runs and that the address is right.",
            ) from None

    def _read(self, response: Any, end: float) -> bytes:
        parts, size = [], 0
        while part := response.read1(65536):
            size += len(part)
            if size > MOST_BYTES:
                raise PlaybookFailure("answer", f"The answer of {self.address} is larger than {MOST_BYTES} bytes.")
            if time.monotonic() > end:
                raise PlaybookFailure("down", f"{self.address} did not answer within {self._timeout_s:.0f} seconds.")
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, fault: Any, end: float) -> PlaybookFailure:
        """The service's own sentence, with what to do about it."""
        sentence = ""
        try:
            answer = json.loads(self._read(fault, end))
            sentence = str(answer.get("error") or "") if isinstance(answer, dict) else ""
        except (OSError, ValueError, PlaybookFailure):
            pass
        code = fault.code
        if code == 401:
            why = sentence or "it is unknown, revoked or expired"
            return PlaybookFailure("token", f"botnet-playbook does not accept the token: {why}.")
        if 300 <= code < 400:
            return PlaybookFailure(
                "answer", f"{self.address} redirects elsewhere, which is not followed: give its own address."
            )
        kinds = {400: "input", 403: "scope", 404: "input", 409: "refused", 413: "input", 422: "input", 429: "busy"}
        kind = kinds.get(code, "down")
        return PlaybookFailure(kind, sentence or f"botnet-playbook at {self.address} answered with the status {code}.")


def lines(answer: dict[str, Any]) -> str:
    """What an answer says: its sentence, then its warnings, one a line."""
    return "\n".join([str(answer.get("message", "")), *map(str, answer.get("warnings") or ())])


def _address(text: str) -> str:
    parts = urllib.parse.urlsplit(text.strip())
    host = parts.hostname or ""
    plain = parts.scheme == "http" and _loopback(host)
    if not host or not (parts.scheme == "https" or plain) or parts.username or parts.query or parts.fragment:
        raise PlaybookFailure(
            "input",
            "The address of botnet-playbook has to be https://HOST[:PORT]; plain http is for this machine only.",
        )
    return text.strip().rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _context(authorities: str) -> ssl.SSLContext:
    try:
        if "-----BEGIN" in authorities:
            return ssl.create_default_context(cadata=authorities)
        return ssl.create_default_context(cafile=authorities or None)
    except (OSError, ValueError) as fault:
        raise PlaybookFailure("input", f"The authorities are neither PEM nor a file of it ({fault}).") from None


def _seconds(moment: str) -> float:
    """ISO 8601 in seconds, without the clock; Python before 3.11 reads no Z."""
    return _parsed(moment).timestamp()


def _earlier(moment: str) -> str:
    return (_parsed(moment) - timedelta(seconds=OVERLAP_S)).isoformat()


def _parsed(moment: str) -> datetime:
    try:
        value = datetime.fromisoformat(moment.strip().replace("Z", "+00:00"))
    except ValueError:
        raise PlaybookFailure("input", f"{moment[:40]!r} is no time: ISO 8601 is expected, with a zone.") from None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


ACTIONS: dict[str, Any] = {'test_connectivity': {'scope': 'investigate', 'read_only': True, 'changes': False, 'inputs': {}},
 'fetch_detections': {'scope': 'investigate',
                      'read_only': True,
                      'changes': False,
                      'inputs': {'source': 'text', 'hours': 'integer', 'start': 'text', 'end': 'text'}},
 'get_case': {'scope': 'investigate', 'read_only': True, 'changes': False, 'inputs': {'case_id': 'text'}},
 'judge_detection': {'scope': 'investigate',
                     'read_only': True,
                     'changes': False,
                     'inputs': {'alert': 'text',
                                'src_ip': 'text',
                                'dst_ip': 'text',
                                'dst_port': 'integer',
                                'connections': 'integer',
                                'hourly_buckets': 'integer',
                                'first_seen': 'text',
                                'last_seen': 'text',
                                'hostname': 'text',
                                'total_bytes_sent': 'integer',
                                'total_bytes_rcvd': 'integer',
                                'avg_bytes_per_conn': 'integer',
                                'processes': 'text',
                                'services': 'text',
                                'transports': 'text',
                                'ntp_sized': 'boolean',
                                'denied': 'integer',
                                'blocked': 'boolean',
                                'avg_per_hour': 'number',
                                'irc_port': 'integer',
                                'beaconing_score': 'integer',
                                'bytes_known': 'boolean',
                                'detection_id': 'text',
                                'rule_severity': 'text',
                                'rule_confidence': 'text',
                                'techniques': 'text',
                                'source': 'text'}},
 'look_up_address': {'scope': 'investigate',
                     'read_only': True,
                     'changes': False,
                     'inputs': {'address': 'text'}},
 'look_up_host': {'scope': 'investigate',
                  'read_only': True,
                  'changes': False,
                  'inputs': {'host': 'text', 'address': 'text'}},
 'propose_response': {'scope': 'investigate',
                      'read_only': True,
                      'changes': False,
                      'inputs': {'alert': 'text',
                                 'src_ip': 'text',
                                 'dst_ip': 'text',
                                 'dst_port': 'integer',
                                 'connections': 'integer',
                                 'hourly_buckets': 'integer',
                                 'first_seen': 'text',
                                 'last_seen': 'text',
                                 'hostname': 'text',
                                 'total_bytes_sent': 'integer',
                                 'total_bytes_rcvd': 'integer',
                                 'avg_bytes_per_conn': 'integer',
                                 'processes': 'text',
                                 'services': 'text',
                                 'transports': 'text',
                                 'ntp_sized': 'boolean',
                                 'denied': 'integer',
                                 'blocked': 'boolean',
                                 'avg_per_hour': 'number',
                                 'irc_port': 'integer',
                                 'beaconing_score': 'integer',
                                 'bytes_known': 'boolean',
                                 'detection_id': 'text',
                                 'rule_severity': 'text',
                                 'rule_confidence': 'text',
                                 'techniques': 'text',
                                 'source': 'text'}},
 'add_exception': {'scope': 'investigate',
                   'read_only': False,
                   'changes': False,
                   'inputs': {'owner': 'text',
                              'reason': 'text',
                              'ends': 'text',
                              'source': 'text',
                              'destination': 'text',
                              'port': 'integer',
                              'indicator': 'text'}},
 'approve_plan': {'scope': 'approve',
                  'read_only': False,
                  'changes': False,
                  'inputs': {'plan_id': 'text', 'digest': 'text', 'comment': 'text'}},
 'comment_case': {'scope': 'investigate',
                  'read_only': False,
                  'changes': False,
                  'inputs': {'case_id': 'text', 'comment': 'text'}},
 'deny_plan': {'scope': 'approve',
               'read_only': False,
               'changes': False,
               'inputs': {'plan_id': 'text', 'digest': 'text', 'comment': 'text'}},
 'file_detection': {'scope': 'intake',
                    'read_only': False,
                    'changes': False,
                    'inputs': {'alert': 'text',
                               'src_ip': 'text',
                               'dst_ip': 'text',
                               'dst_port': 'integer',
                               'connections': 'integer',
                               'hourly_buckets': 'integer',
                               'first_seen': 'text',
                               'last_seen': 'text',
                               'hostname': 'text',
                               'total_bytes_sent': 'integer',
                               'total_bytes_rcvd': 'integer',
                               'avg_bytes_per_conn': 'integer',
                               'processes': 'text',
                               'services': 'text',
                               'transports': 'text',
                               'ntp_sized': 'boolean',
                               'denied': 'integer',
                               'blocked': 'boolean',
                               'avg_per_hour': 'number',
                               'irc_port': 'integer',
                               'beaconing_score': 'integer',
                               'bytes_known': 'boolean',
                               'detection_id': 'text',
                               'rule_severity': 'text',
                               'rule_confidence': 'text',
                               'techniques': 'text',
                               'source': 'text',
                               'sender': 'text'}},
 'list_exceptions': {'scope': 'investigate',
                     'read_only': True,
                     'changes': False,
                     'inputs': {'live_only': 'boolean'}},
 'resolve_case': {'scope': 'investigate',
                  'read_only': False,
                  'changes': False,
                  'inputs': {'case_id': 'text', 'disposition': 'text', 'reason': 'text', 'fault': 'text'}},
 'write_outcome': {'scope': 'investigate',
                   'read_only': False,
                   'changes': False,
                   'inputs': {'case_id': 'text'}},
 'block_address': {'scope': 'contain',
                   'read_only': False,
                   'changes': True,
                   'inputs': {'plan_id': 'text', 'digest': 'text', 'approved_by': 'text', 'address': 'text'}},
 'block_pair': {'scope': 'contain',
                'read_only': False,
                'changes': True,
                'inputs': {'plan_id': 'text',
                           'digest': 'text',
                           'approved_by': 'text',
                           'src_ip': 'text',
                           'dst_ip': 'text',
                           'dst_port': 'integer'}},
 'isolate_host': {'scope': 'contain',
                  'read_only': False,
                  'changes': True,
                  'inputs': {'plan_id': 'text', 'digest': 'text', 'approved_by': 'text', 'host_id': 'text'}},
 'release_address': {'scope': 'contain',
                     'read_only': False,
                     'changes': True,
                     'inputs': {'plan_id': 'text',
                                'digest': 'text',
                                'approved_by': 'text',
                                'address': 'text'}},
 'release_host': {'scope': 'contain',
                  'read_only': False,
                  'changes': True,
                  'inputs': {'plan_id': 'text', 'digest': 'text', 'approved_by': 'text', 'host_id': 'text'}},
 'release_pair': {'scope': 'contain',
                  'read_only': False,
                  'changes': True,
                  'inputs': {'plan_id': 'text',
                             'digest': 'text',
                             'approved_by': 'text',
                             'src_ip': 'text',
                             'dst_ip': 'text',
                             'dst_port': 'integer'}}}
