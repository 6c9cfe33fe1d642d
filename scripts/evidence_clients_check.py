"""Runs independent clients of the products against our emulators, to show that these speak the products' protocols.

Needs an environment of its own, as the product depends on none of them: ``make clients``.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.emulators import ci, cmdb, feeds, netbox, veeam
from tests.emulators.site import site

try:
    import github
    import gitlab
    import jenkins
    import pymisp
    import pynetbox
    import pysnc
    import requests
    from requests.adapters import HTTPAdapter
    from taxii2client.common import TokenAuth
    from taxii2client.v21 import Collection, as_pages
    from veeam_br.v1_3_rev1 import AuthenticatedClient
    from veeam_br.v1_3_rev1.api.login import create_token
    from veeam_br.v1_3_rev1.api.repositories import get_all_repositories
    from veeam_br.v1_3_rev1.api.service import get_server_time
    from veeam_br.v1_3_rev1.api.sessions import get_all_task_sessions
    from veeam_br.v1_3_rev1.client import Client
    from veeam_br.v1_3_rev1.models import ELoginGrantType, ETaskSessionType, TokenLoginSpec
except ImportError as fault:
    sys.exit(f"a client is not installed here ({fault.name}): see the top of this file")


async def veeam_reads_sessions() -> bool:
    """veeam-br logs in, and reads 450 sessions in three pages and a bucket repository."""
    rows = [veeam.task(n, f"pc-{n}", "2026-10-31T22:00:00+01:00", "2026-10-31T22:05:00+01:00", n) for n in range(450)]
    server = veeam.VeeamServer("right", "token-1", rows, [veeam.s3(1, "cloud-1", "acme-backup", "eu-central-1")])
    with site(server) as url:
        spec = TokenLoginSpec(grant_type=ELoginGrantType.PASSWORD, username="viewer", password="right")
        token = await create_token.asyncio(client=Client(base_url=url), body=spec)
        client = AuthenticatedClient(base_url=url, token=token.access_token)
        clock = await get_server_time.asyncio(client=client)
        names: list[str] = []
        while len(names) < 450:
            page = await get_all_task_sessions.asyncio(
                client=client,
                skip=len(names),
                limit=500,
                type_filter=ETaskSessionType.BACKUP,
                created_after_filter=datetime(2026, 10, 31, tzinfo=UTC),
            )
            names += [row.to_dict()["name"] for row in page.data]
        repositories = await get_all_repositories.asyncio(client=client)
        bucket = repositories.data[0].to_dict()["bucket"]["bucketName"]
        return (
            names == [f"pc-{n}" for n in range(450)]
            and bucket == "acme-backup"
            and clock.server_time.utcoffset() is not None
        )


def netbox_names_holders() -> bool:
    """pynetbox reads 120 addresses in pages, filters by two addresses, and reads the device behind one."""
    rows = [netbox.ip(n, f"10.1.0.{n}/24", device=11) for n in range(1, 121)]
    server = netbox.NetBoxServer("right", rows, [netbox.machine(11, "fs-01", "file-server")])
    with site(server) as url:
        client = pynetbox.api(url, token="right")
        two = list(client.ipam.ip_addresses.filter(address=["10.1.0.7", "10.1.0.9"], limit=50))
        every = list(client.ipam.ip_addresses.all(limit=50, offset=0))
        device = next(iter(client.dcim.devices.filter(id=11, limit=50)))
        return (
            [str(one.address) for one in two] == ["10.1.0.7/24", "10.1.0.9/24"]
            and len(every) == 50
            and device.role.slug == "file-server"
            and two[0].assigned_object["device"]["id"] == 11
        )


class ToLoopback(HTTPAdapter):
    """Sends what a client insists on sending over https to the emulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *more: Any, **options: Any) -> requests.Response:
        """As the adapter does, to another place."""
        request.url = self._url + (request.path_url or "/")
        return super().send(request, *more, **options)


def servicenow_lists_items() -> bool:
    """pysnc reads an encoded query of ours, 250 records in pages of 100, with stored and shown values."""
    items = [cmdb.item(n, f"pc-{n}", "10.1.0.20") for n in range(250)] + [cmdb.item(999, "far", "10.1.0.99")]
    with site(cmdb.Cmdb("svc", "right", items)) as url:
        client = pysnc.ServiceNowClient("https://acme.service-now.com", ("svc", "right"))
        client.session.mount("https://acme.service-now.com", ToLoopback(url))
        records = client.GlideRecord("cmdb_ci_computer")
        records.add_encoded_query("ip_addressIN10.1.0.20,10.1.0.21")
        records.fields = "sys_id,name,ip_address,install_status"
        records.query()
        names = [(one.get_value("name"), one.get_display_value("install_status")) for one in records]
        return names == [(f"pc-{n}", "Installed") for n in range(250)]


def ci_servers_list_jobs() -> bool:
    """python-gitlab, PyGithub and python-jenkins read the jobs, the runs and the builds."""
    job = ci.gitlab_job(1, "load", "2026-10-31T20:00:00Z", None)
    jobs = [job | {"id": n} for n in range(250)]
    with site(ci.GitLabServer("right", {"17": jobs}, {"17": ["s_aaa"]})) as url:
        runner = gitlab.Gitlab(url, private_token="right").runners.get(17, lazy=True)
        numbers = [one.id for one in runner.jobs.list(order_by="id", sort="desc", per_page=100, iterator=True)]
    start, end = "2026-10-31T20:00:00Z", "2026-10-31T21:00:00Z"
    server = ci.GitHubServer(
        "right", [ci.github_run(n, start, end) for n in range(150)], {149: [ci.github_job(5, "load", 7, start, end)]}
    )
    with site(server) as url:
        client = github.Github(auth=github.Auth.Token("right"), base_url=url, lazy=True)
        runs = list(client.get_repo("acme/shop").get_workflow_runs(created=f"{start}..{end}"))
        _, ran = client.requester.requestJsonAndCheck("GET", "/repos/acme/shop/actions/runs/149/jobs")
    builds = {"perf/load": [ci.build(3, 1_793_476_800, 60)]}
    with site(ci.JenkinsServer("svc", "right", builds)) as url:
        fields = jenkins.Jenkins(url, "svc", "right").jenkins_open(
            requests.Request("GET", f"{url}/job/perf/job/load/api/json?tree=allBuilds[number,builtOn]{{0,1}}")
        )
    return (
        numbers == list(range(249, -1, -1))
        and len(runs) == 150
        and ran["jobs"][0]["runner_id"] == 7
        and '"builtOn": "node-1"' in fields
    )


def feeds_list_indicators() -> bool:
    """pymisp searches attributes, and taxii2-client reads a collection of 250 indicators in pages."""
    rows = [feeds.attribute(n, "domain", f"d{n}.example", 1_793_000_000) for n in range(70)]
    with site(feeds.MispServer("k" * 40, rows)) as url:
        answer = pymisp.PyMISP(url, "k" * 40, ssl=False).search(
            controller="attributes", type_attribute=["domain"], to_ids=1, limit=60, page=2
        )
    objects = [feeds.indicator(n, f"[domain-name:value = 'd{n}.example']") for n in range(250)]
    with site(feeds.TaxiiServer("Token right", objects)) as url:
        collection = Collection(f"{url}/api1/collections/c-1/", auth=TokenAuth("right"))
        pages = list(as_pages(collection.get_objects, per_request=100))
    names = [one["pattern"] for page in pages for one in page.get("objects", [])]
    return len(answer["Attribute"]) == 10 and len(pages) == 3 and len(set(names)) == 250


CHECKS: dict[str, Callable[[], Any]] = {
    "veeam-br: sessions": lambda: asyncio.run(veeam_reads_sessions()),
    "pynetbox: holders": netbox_names_holders,
    "pysnc: configuration items": servicenow_lists_items,
    "python-gitlab, PyGithub, python-jenkins: jobs": ci_servers_list_jobs,
    "pymisp, taxii2-client: indicators": feeds_list_indicators,
}


def main() -> int:
    """Every check by name; 1 when one fails."""
    outcomes = {name: bool(check()) for name, check in CHECKS.items()}
    for name, passed in outcomes.items():
        print(f"{'ok' if passed else 'FAILED':8}{name}")
    return int(not all(outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
