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


def test_every_refused_value_is_named_at_once_in_plain_words(tmp_path):
    file = tmp_path / "playbook.toml"
    file.write_text(
        '[networks]\nprotected = ["10.0.0.0/8", "not-a-cidr"]\n[limits]\nmemory_mb = "lots"\n'
        '[serve]\ninterval_s = 5\nsecret_env = 7\nsources = "all"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        read(file)
    said = str(caught.value).replace(f"{file}: ", "").splitlines()
    assert said == [
        "networks.protected.1: expected an address or a network, such as 192.0.2.7 or 10.0.0.0/8, without host bits, "
        'not "not-a-cidr"',
        'limits.memory_mb: expected a whole number, not "lots"',
        "serve.interval_s: expected 60 or more, not 5",
        'serve.sources: expected a list in brackets, not "all"',
        "serve.secret_env: expected a text in quotes",
    ]
