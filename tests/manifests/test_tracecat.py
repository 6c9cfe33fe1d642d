"""Tracecat's templates: a strict model, and two secrets so that one stolen token cannot both file and approve."""

import yaml

from playbook import platforms
from playbook.actions import catalogue
from tests.players.tracecat import Template

TEMPLATES = {
    path: Template.model_validate(yaml.safe_load(text))
    for path, text in platforms.render("tracecat", catalogue()).items()
    if path.endswith(".yml")
}


def test_every_action_is_a_template_and_names_one_secret_by_its_scope():
    assert {one.definition.name for one in TEMPLATES.values()} == {one.identifier for one in catalogue()}
    for action in catalogue():
        definition = TEMPLATES[f"templates/botnet_playbook/{action.identifier}.yml"].definition
        (secret,) = definition.secrets
        assert (secret.name == "botnet_playbook_response") == (action.scope in ("approve", "contain"))
        assert definition.expects.keys() == definition.steps[0].args["payload"].keys()
        assert {name for name, one in definition.expects.items() if "None" not in one.type} == {
            slot.name for slot in action.inputs if slot.required
        }
