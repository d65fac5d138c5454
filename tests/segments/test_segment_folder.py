"""A folder of segment files is used whole or not at all."""

from pathlib import Path

import pytest

from audience.segments.check import check, declared
from audience.segments.parse import InvalidSegment
from segments.test_segment_file import VIP

DESTINATIONS = ["brevo"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vip.yaml").write_text(VIP)
    (tmp_path / "best.yaml").write_text(VIP.replace("name: vip", "name: best"))
    return tmp_path


def test_segments_come_by_name(folder: Path) -> None:
    assert check(folder, DESTINATIONS) == []
    assert [s.name for s in declared(folder, DESTINATIONS)] == ["best", "vip"]


def test_one_broken_file_stops_all_so_that_nobody_leaves_a_segment_by_a_typing_error(folder: Path) -> None:
    (folder / "vip.yaml").write_text(VIP.replace("is_customer: true", "is_custommer: true"))
    (folder / "late.yaml").write_text("name: [")
    assert [p.place for p in check(folder, DESTINATIONS)] == ["late.yaml: line 1", "vip.yaml: members.all[1]"]
    with pytest.raises(InvalidSegment, match="did you mean 'is_customer'"):
        declared(folder, DESTINATIONS)


def test_a_missing_or_empty_folder_is_a_problem_and_not_the_end_of_all_segments(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InvalidSegment, match="found no segment file"):
            declared(folder, DESTINATIONS)


def test_another_ending_is_a_problem_and_not_a_file_that_is_silently_left_out(folder: Path) -> None:
    (folder / "late.yml").write_text(VIP)
    assert [str(p) for p in check(folder, DESTINATIONS)] == ["late.yml: is no segment file, expected <name>.yaml"]


def test_a_file_that_is_not_utf_8_is_a_problem(folder: Path) -> None:
    (folder / "vip.yaml").write_bytes("title: é".encode("latin-1"))
    assert "cannot be read as UTF-8 text" in str(check(folder, DESTINATIONS)[0])
