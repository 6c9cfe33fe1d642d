"""Say what the inventories know of a host: its identity, roles, owner, addresses and declared backup jobs."""

from playbook.actions import Flat, Outside, Result, slot
from playbook.actions._detection_fields import AddressText
from playbook.actions._lookup import ask, joined
from playbook.errors import ConfigError
from playbook.model.address import parse
from playbook.model.enrichment import ApprovedSoftware, BackupJob, HostRecord
from playbook.model.observable import Observable

KIND, READ_ONLY = "investigate", True


class Input(Flat):
    """A host name, an address, or both."""

    host: str = slot(
        "Host name to look up", "", contains=("host name",), primary=True, example="cam-lobby-01", max_length=255
    )
    address: AddressText | None = slot(
        "Address of the host, instead of or beside its name",
        None,
        contains=("ip",),
        example="10.20.0.31",
        max_length=64,
    )


class Output(Flat):
    """One row per inventory record; none when no inventory knows the host."""

    host_id: str = slot("Identity in the inventory", "")
    hostname: str = slot("Name in the inventory", contains=("host name",), example="cam-lobby-01")
    roles: str = slot("Roles, joined by commas", "", example="camera")
    owner: str = slot("Who answers for it", "")
    addresses: str = slot("Addresses it has, joined by commas", "", contains=("ip",), example="10.20.0.31")
    backup_jobs: str = slot("Declared backup jobs of the host, joined by commas", "")
    approved_software: str = slot("Software an administrator approved, joined by commas", "")


def run(given: Input, outside: Outside) -> Result:
    """The records that name this host; incomplete when an inventory could not be read."""
    if not given.host and given.address is None:
        raise ConfigError("look_up_host: host: expected a host name, or an address in the field address")
    observables, address = [], None if given.address is None else parse(given.address)
    if given.host:
        observables.append(Observable(kind="host", value=given.host.strip().lower().rstrip("."), role="source"))
    if address is not None:
        observables.append(Observable(kind="address", value=str(address), role="source"))
    asked = ask(outside, tuple(observables), address)
    jobs = joined(job.job for job in asked.answers(BackupJob))
    software = joined(program.name for program in asked.answers(ApprovedSoftware))
    # An inventory asked by name and by address tells the same host twice.
    rows = tuple(
        dict.fromkeys(
            Output(
                host_id=r.host_id,
                hostname=r.hostname,
                roles=joined(r.roles),
                owner=r.owner,
                addresses=joined(r.addresses),
                backup_jobs=jobs,
                approved_software=software,
            )
            for r in asked.answers(HostRecord)
        )
    )
    known = joined(row.hostname for row in rows) or "no inventory knows it"
    return Result(
        rows, f"{given.host or given.address}: {known}", not asked.unavailable, (*asked.unavailable, *asked.left_out)
    )
