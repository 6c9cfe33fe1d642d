"""What a run says of its own configuration: a home that holds nobody is said with the networks that were seen."""

from ipaddress import ip_network

import pytest

from playbook.triage.config_warnings import about_networks
from tests.support.builders import a_beacon, a_site, an_enriched


def said(home, *sources):
    site = a_site(home=tuple(map(ip_network, home)), lab=())
    return about_networks([an_enriched(detection=a_beacon(src_ip=source), site=site) for source in sources], site)


def test_a_home_that_holds_no_source_is_said_with_the_networks_seen():
    (warning,) = said(["192.0.2.0/24"], "10.1.2.3", "10.1.9.9", "10.7.0.1")
    assert "none of the 3 sources" in warning and "10.1.0.0/16, 10.7.0.0/16" in warning


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["10.1.2.3"], []),
        (["10.1.2.3", "172.16.0.1"], ["1 source lies outside networks.home"]),
    ],
)
def test_a_home_that_holds_some_is_counted(sources, words):
    assert list(said(["10.0.0.0/8"], *sources)) == words
