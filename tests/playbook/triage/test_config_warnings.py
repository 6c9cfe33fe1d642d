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
        (["10.1.2.3", "172.16.0.1"], ["1 private source lies outside networks.home and is judged all the same"]),
    ],
)
def test_a_home_that_holds_some_is_counted(sources, words):
    assert list(said(["10.0.0.0/8"], *sources)) == words


def test_public_sources_that_home_does_not_name_are_said_with_the_line_to_set():
    (warning,) = said(["10.0.0.0/8"], "10.1.2.3", "8.8.4.4", "9.9.9.9")
    assert "2 public sources are not named by networks.home" in warning
    assert '[networks] home = ["10.0.0.0/8", "8.8.4.4", "9.9.9.9"]' in warning


def test_the_line_is_bounded_and_says_so():
    (warning,) = said(["10.0.0.0/8"], *(f"8.8.4.{n}" for n in range(1, 61)))
    assert "8.8.4.50" in warning and "8.8.4.51" not in warning and "and 10 more" in warning
