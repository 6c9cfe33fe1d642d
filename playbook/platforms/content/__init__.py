"""Content for SIEMs, ready to import: alerts, correlation searches, scheduled searches, monitors, analytics rules.

Each holds the query that ``query LANGUAGE`` prints, and nothing is enabled by an import.
"""

from collections.abc import Sequence

from playbook.actions import Action
from playbook.platforms import queries
from playbook.platforms.content import _sentinel, _splunk, _sumo
from playbook.platforms.content._searches import searches


def render(catalogue: Sequence[Action]) -> dict[str, str]:
    """The files by path, one folder a SIEM; they depend on the query texts, not on the actions."""
    texts = queries.render(catalogue)
    spl, sumo, kql = (searches(texts, language) for language in ("splunk", "sumo", "kql"))
    # Enterprise Security reads its data models; a hunt that these cannot answer reads the tagged events.
    asked = [one for one in spl if one.preset == "tstats" or (one.preset == "cim" and "dga" in one.what)]
    files = {
        "splunk/savedsearches.conf": _splunk.saved_searches(spl),
        "splunk_es/savedsearches.conf": _splunk.correlation_searches(asked),
        "sumo/scheduled_searches.json": _sumo.scheduled_searches(sumo),
        "sumo/monitors.json": _sumo.monitors(sumo),
        **{f"sentinel/{one.what}_{one.preset}.yaml": _sentinel.rule(one) for one in kql},
    }
    return files | {"README.md": _readme(tuple(files))}


def _readme(paths: tuple[str, ...]) -> str:
    listed = "\n".join(f"- `{path}`" for path in paths)
    made = "`botnet-playbook manifests write content`"
    return (
        f"# Content for SIEMs\n\nMade by {made} from the texts that `botnet-playbook query LANGUAGE` prints;"
        " a test\nfails when a file is not what they make. Scopes are defaults: adapt them before a search is"
        " enabled.\n\nSigma rules and Cloud SIEM rules are in `manifests/queries/sigma` and"
        " `manifests/queries/sumo_cse`. How each is\nimported, and what read it here: `docs/content.md`.\n\n"
        f"{listed}\n"
    )
