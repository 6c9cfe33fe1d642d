"""The query texts, to be pasted or imported: every language, source and hunt in a file of its own."""

from collections.abc import Iterator, Sequence

from playbook.actions import Action
from playbook.detections import languages
from playbook.detections.beaconing import PROFILES
from playbook.detections.hunts import HUNTS
from playbook.detections.languages import clickhouse, duckdb, kql, sigma, splunk, sumo, sumo_cse

_BEACONING = "beaconing"
# A table of the user's own has no columns before its configuration names them.
_CLICKHOUSE = tuple(name for name, preset in clickhouse.PRESETS.items() if preset.columns)


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """The texts by path, ``LANGUAGE/WHAT_SOURCE.SUFFIX``; they depend on the detection, not on the actions."""
    texts = {path: text.rstrip("\n") + "\n" for path, text in sorted(_texts())}
    return texts | {"README.md": _readme(tuple(texts))}


def _texts() -> Iterator[tuple[str, str]]:
    for profile in PROFILES:
        yield f"duckdb/{_BEACONING}_{profile}.sql", duckdb.query(profile)
    for preset in _CLICKHOUSE:
        yield f"clickhouse/{_BEACONING}_{_file(preset)}.sql", clickhouse.query(preset)
    for preset in sumo.PRESETS:
        yield f"sumo/{_BEACONING}_{_file(preset)}.sumo", sumo.query(preset)
    for preset in splunk.PRESETS:
        yield f"splunk/{_BEACONING}_{preset}.spl", splunk.query(preset)
    for preset in kql.PRESETS:
        yield f"kql/{_BEACONING}_{preset}.kql", kql.query(preset)
    yield f"sigma/{_BEACONING}.yml", sigma.query()
    yield f"sumo_cse/{_BEACONING}.json", sumo_cse.query()
    for name, hunt in HUNTS.items():
        yield from _hunts(name, hunt.kind == "dns")


def _hunts(name: str, of_names: bool) -> Iterator[tuple[str, str]]:
    stem = f"hunt_{_file(name)}"
    yield f"duckdb/{stem}.sql", duckdb.query(hunt=name)
    for preset in _CLICKHOUSE:
        if clickhouse.PRESETS[preset].names or not of_names:
            yield f"clickhouse/{stem}_{_file(preset)}.sql", clickhouse.query(preset, name)
    for preset in ("cse", "endpoint") if of_names else ("seed", "cse", "endpoint"):
        yield f"sumo/{stem}_{preset}.sumo", sumo.query(preset, name)
    for preset, source in splunk.PRESETS.items():
        if source.dns_scope or not of_names:
            yield f"splunk/{stem}_{preset}.spl", splunk.query(preset, name)
    for preset in kql.PRESETS:
        yield f"kql/{stem}_{preset}.kql", kql.query(preset, name)
    yield f"sigma/{stem}.yml", sigma.query(name)
    yield f"sumo_cse/{stem}.json", sumo_cse.query(name)


def _file(name: str) -> str:
    return name.replace("-", "_")


def _proof() -> str:
    """The table of what is rendered, read and run, from what each language says of itself."""
    rows = [
        f"| {language} | {what} | {' | '.join(words)} |"
        for language in languages.languages()
        for what, words in languages.proof(language).items()
    ]
    return "\n".join(["| language | what | rendered | read | equal |", "|---|---|---|---|---|", *rows])


def _readme(paths: tuple[str, ...]) -> str:
    listed = "\n".join(f"- `{path}`" for path in paths)
    return (
        "# Queries\n\nMade by `botnet-playbook manifests write queries`; a test fails when a file is not what the"
        " renderers\nmake. The scopes are defaults: `botnet-playbook query LANGUAGE` and the settings `scope` and"
        " `fields` of a\nsource adapt them. What the words of the table mean, and\nhow the proof works, is in"
        f" `docs/languages.md`.\n\n{_proof()}\n\n{listed}\n"
    )
