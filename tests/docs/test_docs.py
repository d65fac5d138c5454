"""What people read is what is declared: generated pages are current, links lead somewhere, examples work."""

import re
import types
from functools import cache
from pathlib import Path

import pytest

from audience.activation import destinations
from audience.cli import new_source
from audience.cli.pages import render
from audience.core.tables import DERIVED, ENTITIES
from audience.quality.suites import suite
from audience.segments.check import declared
from audience.segments.parse import parse
from audience.sources.contract import Source, all_sources
from audience.sources.contract.extraction import _FIELDS

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
GENERATED = (
    "tables.md",
    "quality.md",
    "sources.md",
    "destinations.md",
    "dags.md",
    "segments.md",
    "cli.md",
    "settings.md",
)
WRITTEN = (*REPOSITORY.glob("*.md"), *DOCS.glob("*.md"))


@cache
def rendered() -> dict[str, str]:
    return dict(render())


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def block(name: str, language: str) -> str:
    """The first code block of a language, without the indentation of its list item."""
    found = re.search(rf"^( *)```{language}\n(.*?)^\1```$", text_of(name), re.DOTALL | re.MULTILINE)
    assert found is not None
    return "\n".join(line.removeprefix(found[1]) for line in found[2].split("\n"))


# -- generated pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_current(name: str) -> None:
    assert text_of(f"docs/{name}") == rendered()[name], "run: make docs"


def test_there_is_no_other_generated_page() -> None:
    assert set(rendered()) == set(GENERATED)


def test_every_column_of_every_table_of_the_lake_is_documented() -> None:
    page = rendered()["tables.md"]
    for table in (*ENTITIES.values(), *DERIVED.values()):
        section = page.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
        assert [c.name for c in table.columns if f"| `{c.name}` |" not in section] == []


def test_every_raw_table_and_every_ingest_dag_is_documented() -> None:
    for source in all_sources():
        assert f"`ingest_{source.name}`" in rendered()["dags.md"]
        for entity in source.entities:
            assert f"`raw_{source.name}__{entity}`" in rendered()["tables.md"]


def test_every_expectation_of_every_entity_is_documented_with_its_severity() -> None:
    for entity, table in ENTITIES.items():
        section = rendered()["quality.md"].split(f"\n## {entity}\n")[1].split("\n## ")[0]
        rows = [f"| {e.words.replace('|', chr(92) + '|')} | {e.severity} |" for e in suite(table)]
        assert [row for row in rows if row not in section] == []


def test_every_reason_for_which_an_amount_waits_is_documented_with_its_table() -> None:
    pages = {entity: rendered()["quality.md"].split(f"\n## {entity}\n")[1].split("\n## ")[0] for entity in ENTITIES}
    assert {entity for entity, page in pages.items() if "currency: no rate for XXX" in page} == {
        entity for entity, table in ENTITIES.items() if any(c.priced_on for c in table.columns)
    }
    assert "`ordered_at: missing, the day of the rate`" in pages["order"]


def test_every_dag_has_its_runbook() -> None:
    page = rendered()["dags.md"]
    for section in page.split("\n## ")[1:]:
        assert [w for w in ("**Reads**", "**Writes**", "**If it fails**", "**To redo**") if w not in section] == []


def test_every_segment_is_documented_with_its_rule_in_words() -> None:
    page = rendered()["segments.md"]
    for segment in declared(REPOSITORY / "include" / "segments", destinations.names()):
        assert f"## {segment.title}\n\n`{segment.name}`. {segment.why}" in page
    assert "  - not: `nps` is at most 6; unknown counts as no" in page


# -- pages that people write -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [n for n in links if "://" not in n and not (page.parent / n).exists()] == []


def test_the_readme_names_the_two_commands() -> None:
    assert {"`make demo`", "`make test`"} <= set(re.findall(r"`make \w+`", text_of("README.md")))


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    for page in WRITTEN:
        named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
        assert named - targets == set(), page.name


def test_the_example_source_is_what_new_source_writes_and_is_one() -> None:
    begun = new_source.SOURCE.format(name="loyalty", title="Loyalty programme")
    assert block("CONTRIBUTING.md", "python").strip() == begun.strip()
    module = types.ModuleType("loyalty")
    exec(compile(block("CONTRIBUTING.md", "python"), "loyalty.py", "exec"), vars(module))
    source = module.SOURCE
    assert isinstance(source, Source)
    member = {"number": "7", "email": "ada@mailbox.example", "first_name": "Ada", "left": False,
              "joined_at": "2026-01-02T03:04:05Z", "changed_at": "2026-11-20T08:00:00Z"}  # fmt: skip
    ((entity, row),) = source.streams[0].tidy(member)
    assert entity in source.entities
    assert row.keys() <= _FIELDS[entity]
    required = {c.name for c in ENTITIES[entity].columns if c.required}
    assert required <= {name for name, value in row.items() if value is not None}


def test_the_example_segment_can_be_used() -> None:
    segment = parse(block("CONTRIBUTING.md", "yaml"), file="quiet_regulars.yaml", destinations=destinations.names())
    assert segment.name == "quiet_regulars"
