"""docs/configuration.md names every key that exists, says what each is for, and is made again when a model changes."""

from pathlib import Path

from scripts import configuration_page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"


def test_the_page_is_the_one_that_the_models_give():
    assert PAGE.read_text(encoding="utf-8") == configuration_page.page(), "make manifests writes it again"


def test_every_key_says_what_it_is_for():
    keys = [(table, model, name) for table, model in configuration_page.tables() for name in model.model_fields]
    silent = [f"{table}.{name}" for table, model, name in keys if not configuration_page.purpose(table, model, name)]
    assert len(keys) > 300 and silent == [], "say it in the field's description or in the model's docstring"


def test_every_page_is_reached_from_the_index_and_every_link_leads_somewhere():
    docs = PAGE.parent
    reached, todo = set(), [docs / "index.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        for target in configuration_page.links(page.read_text(encoding="utf-8")):
            there = (page.parent / target).resolve()
            assert there.exists(), f"{page.name}: {target}"
            todo += [there] if there.suffix == ".md" and docs in there.parents and there not in reached else []
    assert {page.relative_to(docs).as_posix() for page in set(docs.rglob("*.md")) - reached} == set()
