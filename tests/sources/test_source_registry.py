"""The folder is the registry: a file there is a source, or an error that names the file."""

import sys
from pathlib import Path

import pytest

import audience.sources
from audience.core.errors import DeclarationError
from audience.sources.contract import all_sources, source_named, sources_in_use


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second folder of sources."""
    monkeypatch.setattr(audience.sources, "__path__", [*audience.sources.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "audience.sources.kiosk", raising=False)
    return tmp_path


def test_every_file_of_the_folder_is_a_source() -> None:
    files = {f.stem for f in Path(audience.sources.__path__[0]).glob("*.py")} - {"__init__"}
    assert {s.name for s in all_sources()} == files >= {"crm", "newsletter", "shop"}


def test_the_environment_names_the_sources_in_use() -> None:
    assert [s.name for s in sources_in_use({"AUDIENCE_SOURCES": "shop, crm"})] == ["crm", "shop"]
    assert sources_in_use({}) == all_sources()


def test_a_misspelt_source_in_use_is_told_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match="AUDIENCE_SOURCES: no source 'shopp'; did you mean 'shop'"):
        sources_in_use({"AUDIENCE_SOURCES": "crm,shopp"})


def test_a_file_without_a_source_is_refused(folder: Path) -> None:
    (folder / "kiosk.py").write_text("SOURCES = ()\n")
    with pytest.raises(DeclarationError, match=r"sources/kiosk.py: found no SOURCE, expected SOURCE = Source"):
        all_sources()


def test_a_source_named_unlike_its_file_is_refused(folder: Path) -> None:
    (folder / "kiosk.py").write_text("from audience.sources.shop import SOURCE\n")
    with pytest.raises(DeclarationError, match=r"sources/kiosk.py: found a source named 'shop', expected 'kiosk'"):
        all_sources()


def test_a_misspelt_source_is_told_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match="sources: no source 'shopp'; did you mean 'shop'"):
        source_named("shopp")
