"""The Shuffle app: what api.yaml declares is exactly what the methods take."""

import ast

import yaml

from playbook import platforms
from playbook.actions import catalogue

FILES = {path.split("/", 2)[2]: text for path, text in platforms.render("shuffle", catalogue()).items()}


def test_the_methods_take_what_the_file_declares():
    api = yaml.safe_load(FILES["api.yaml"])
    settings = {one["name"]: one["required"] for one in api["authentication"]["parameters"]}
    (app,) = [one for one in ast.parse(FILES["src/app.py"]).body if isinstance(one, ast.ClassDef)]
    methods = {one.name: one.args for one in app.body if isinstance(one, ast.FunctionDef)}
    assert methods.keys() == {one["name"] for one in api["actions"]} == {one.identifier for one in catalogue()}
    for action in api["actions"]:
        taken = methods[action["name"]]
        names = [one.arg for one in taken.args][1:]
        required = set(names[: len(names) - len(taken.defaults)])
        declared = settings | {one["name"]: one["required"] for one in action["parameters"]}
        assert set(names) == declared.keys()
        assert required == {name for name, needed in declared.items() if needed}
    assert all(one["schema"] == {"type": "string"} for action in api["actions"] for one in action["parameters"])
