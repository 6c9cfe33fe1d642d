"""STIX 2.1: the public validator finds nothing, identities are stable, and what is valid until when is the record's."""

import json
from datetime import timedelta
from typing import Any

import pytest
from stix2validator import ValidationOptions, validate_instance

from playbook.cases import exports
from playbook.cases.exports import CaseExport
from tests.support.builders import a_case, a_detection, a_judged, a_plan
from tests.support.export_fixtures import PAIR, a_containment, a_row, an_export, of_disposition

Object = dict[str, Any]


def bundle(export: CaseExport) -> Object:
    made: Object = json.loads(exports.render("stix", export))
    return made


def of_type(made: Object, kind: str) -> list[Object]:
    return [one for one in made["objects"] if one["type"] == kind]


# What the standard advises and these objects cannot or need not follow: identities that are the same each time are no
# random ones (103), thousands of connections have no one source port (301), and a page has no hash (302).
_ADVICE = ("{103}", "{301}", "{302}")


def faults(made: Object) -> list[str]:
    """What the public validator finds, errors and advice, but for the advice above."""
    found = validate_instance(made, ValidationOptions(version="2.1", enforce_refs=True))
    return [str(one) for one in (*found.errors, *found.warnings) if not any(code in str(one) for code in _ADVICE)]


def without(made: Object, kind: str, field: str) -> Object:
    return made | {
        "objects": [
            {key: value for key, value in one.items() if one["type"] != kind or key != field} for one in made["objects"]
        ]
    }


def test_the_public_validator_finds_nothing() -> None:
    assert faults(bundle(an_export())) == []


@pytest.mark.parametrize(
    ("kind", "field"), [("indicator", "valid_from"), ("indicator", "pattern"), ("observed-data", "number_observed")]
)
def test_the_validator_would_find_a_field_that_is_missing(kind: str, field: str) -> None:
    assert any(field in fault for fault in faults(without(bundle(an_export()), kind, field)))


def test_the_same_case_is_the_same_bytes_and_a_later_state_keeps_the_identities() -> None:
    first, again = (exports.render("stix", an_export()) for _ in range(2))
    assert first == again
    export = an_export()
    later = an_export(row=a_row(export.case, updated_at=export.row.updated_at + timedelta(hours=1)))
    ids = [one["id"] for one in bundle(export)["objects"]]
    assert [one["id"] for one in bundle(later)["objects"]] == ids and len(set(ids)) == len(ids)
    assert exports.render("stix", later) != first


def test_observables_have_the_identities_that_the_standard_gives() -> None:
    """Those that the public library stix2 3.0.2 makes of the same values."""
    case = a_case(a_judged(a_detection(dst_ip="198.51.100.3")), plan=None)
    made = bundle(CaseExport(case=case, row=a_row(case)))
    (traffic,) = of_type(made, "network-traffic")
    assert traffic["dst_ref"] == "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
    assert traffic["is_active"] is False


@pytest.mark.parametrize(
    ("export", "until"),
    [
        (an_export(), "2026-11-23T11:00:00.000Z"),
        (an_export(containments=(a_containment(state="released"),)), "2026-11-23T11:00:00.000Z"),
        (an_export(containments=()), None),
    ],
)
def test_an_indicator_ends_with_what_was_done_or_is_proposed(export: CaseExport, until: str | None) -> None:
    (indicator,) = of_type(bundle(export), "indicator")
    assert indicator["pattern"] == (
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '203.0.113.66'"
        " AND network-traffic:dst_port = 6667]"
    )
    last = export.row.last_seen + timedelta(seconds=a_plan().steps[0].ttl_s)
    assert indicator["valid_until"] == (until or f"{last:%Y-%m-%dT%H:%M:%S}.000Z")


def test_without_a_step_an_indicator_has_no_end_and_what_is_no_conviction_is_no_indicator() -> None:
    case = a_case(a_judged(), plan=None)
    (indicator,) = of_type(bundle(CaseExport(case=case, row=a_row(case))), "indicator")
    assert "valid_until" not in indicator
    quiet = a_case(of_disposition("UNDETERMINED", hostname=""))
    made = bundle(CaseExport(case=quiet, row=a_row(quiet)))
    assert not of_type(made, "indicator") and not of_type(made, "sighting") and faults(made) == []


def test_what_was_done_mitigates_what_it_is_about_and_the_verdict_is_a_note() -> None:
    made = bundle(an_export())
    actions = {one["name"]: one["id"] for one in of_type(made, "course-of-action")}
    assert set(actions) == {
        f"Block one source to one destination and port: {PAIR}",
        "Isolate a host: edr-31",
        "Block an address: 203.0.113.66",
    }
    mitigating = {one["source_ref"] for one in of_type(made, "relationship") if one["relationship_type"] == "mitigates"}
    assert mitigating == set(actions.values())
    (note,) = of_type(made, "note")
    assert "TRUE_POSITIVE" in note["content"] and "berta: TRUE_POSITIVE. the owner said so" in note["content"]
    assert note["external_references"][0]["url"].endswith("/cases/C-0123456789ab")
    techniques = {one["external_references"][0]["external_id"] for one in of_type(made, "attack-pattern")}
    assert techniques >= {"T1071", "T1584.005"}


def test_text_from_outside_is_data_and_no_pattern() -> None:
    hostile = "x'] OR [url:value = 'http://a.example"
    case = a_case(a_judged(host=hostile), host=hostile)
    made = bundle(CaseExport(case=case, row=a_row(case)))
    assert all(hostile not in one["pattern"] for one in of_type(made, "indicator")) and faults(made) == []
