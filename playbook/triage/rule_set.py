"""The configured rules: each with its parameters, and every fault of their tables."""

from playbook.config import Config, faults
from playbook.model import Value
from playbook.rules import all_rules
from playbook.triage.evaluate import RuleSet

from pydantic import ValidationError  # isort: skip


def read_rules(config: Config, file: str, found: list[str]) -> RuleSet:
    """Every rule with its parameters; faults of ``policy.rules`` are added to ``found`` with the path of their key."""
    rules = all_rules()
    tables = {name: dict(table) for name, table in config.policy.rules.items()}
    tables.setdefault("backup_name", {}).setdefault("host_patterns", config.policy.backup_host_patterns)
    params: dict[str, Value] = {}
    for name, table in tables.items():
        if name not in rules:
            found.append(f"{file}: policy.rules.{name}: no such rule; there are: {', '.join(rules)}")
            continue
        try:
            params[name] = rules[name].params.model_validate(table)
        except ValidationError as fault:
            found += faults(rules[name].params, fault, file, f"policy.rules.{name}")
    return RuleSet(rules, {name: params.get(name) or rule.params() for name, rule in rules.items()})
