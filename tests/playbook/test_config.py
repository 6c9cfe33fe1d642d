"""What is wrong in a configuration is named by its path in the file and in words, once."""

import pytest

from playbook.config import read
from playbook.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[networks]\nresolvers = ["10.0.0.530"]\n', "networks.resolvers.0: expected an address or a network"),
        ('[networks]\nhome = ["10.0.0.0/8", "10.0.0.1/24"]\n', "networks.home.1: expected an address or a network"),
        ("[networks]\nresolvers = [5]\n", "networks.resolvers: addresses and CIDRs are written as text"),
        ("[networks]\nhomes = []\n", "networks.homes: unknown key; did you mean 'home'?"),
        ("[network]\n", "network: unknown key; did you mean 'networks'?"),
    ],
)
def test_one_line_a_fault(tmp_path, text, said):
    path = tmp_path / "playbook.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as fault:
        read(path)
    (line,) = str(fault.value).splitlines()
    assert line.startswith(f"{path}: {said}") and "[" not in line.removeprefix(str(path))
