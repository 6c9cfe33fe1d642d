"""Reads an administrator's YAML file: bounded, without aliases and without repeated keys."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from connectors.enrichers._files.reader import Unreadable, load

MAX_YAML_BYTES = 2**20
# Longer than any number or date that means something; PyYAML takes the square of their length in time.
_LONGEST_NUMBER = 100
_NUMBERS = tuple(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))


class _PlainLoader(CParser, Composer, SafeConstructor, Resolver):
    """Safe YAML, read by libyaml, without aliases (they multiply) and repeated keys (the second would silently win)."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    # CParser has a composer of its own, which cannot be told to refuse aliases.
    get_single_node = Composer.get_single_node

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = getattr(self.peek_event(), "start_mark", None)
            raise yaml.MarkedYAMLError(problem="aliases are not accepted", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if node.tag in _NUMBERS and isinstance(node, yaml.ScalarNode) and len(node.value) > _LONGEST_NUMBER:
            raise yaml.MarkedYAMLError(problem="a number of more than 100 characters", problem_mark=node.start_mark)
        return super().construct_object(node, deep=deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = sorted(key for key, count in Counter(keys).items() if count > 1)
        if twice:
            raise yaml.MarkedYAMLError(problem=f"key {twice[0][:64]!r} twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> tuple[Any, datetime]:
    """The YAML document of a file and the file's time. Raises Unreadable with file and line."""
    raw, as_of = load(path, MAX_YAML_BYTES)
    try:
        loader: Any = _PlainLoader
        return yaml.load(raw.decode("utf-8"), Loader=loader), as_of
    except yaml.MarkedYAMLError as fault:
        # What is missing at the end is missed one line below the last one.
        mark = fault.problem_mark
        line = min(mark.line + 1, len(raw.splitlines())) if mark else 0
        raise Unreadable(f"{path}{f':{line}' if line else ''}: not YAML: {fault.problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError, TypeError) as fault:
        # The last three: what PyYAML raises for a scalar that does not fit its explicit tag.
        raise Unreadable(f"{path}: not YAML: {fault}") from None
    except RecursionError:
        raise Unreadable(f"{path}: not YAML: nested too deeply") from None
