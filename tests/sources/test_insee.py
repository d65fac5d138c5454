"""What the conformance kit does not show of INSEE's files: other vintages, plain files, archives that are no good."""

import zipfile
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from answering import Answer, answering
from replay import Recording, Replay, replaying

from audience.core.errors import SourceReplyInvalid
from audience.sources import insee
from audience.sources.insee import SOURCE, fetch_communes, fetch_iris, tidy_commune, tidy_iris

RECORDING = Recording.of("insee")
WIDE = "IRIS;LIBIRIS;DISP_TP60{y};DISP_MED{y};DISP_D1{y};DISP_D9{y}\n751010101;Place du Marche;8,0;40120;15000;90210\n"
LONG = "FILOSOFI_MEASURE;GEO;GEO_OBJECT;CONF_STATUS;UNIT_MULT;TIME_PERIOD;OBS_VALUE\nMED_SL;01001;COM;F;{mult};2023;{value}\n"


def zipped(**files: str) -> bytes:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, text in files.items():
            written.writestr(f"{name}.csv", text)
    return archive.getvalue()


def rows(fetch: Any, tidy: Any, body: bytes) -> list[dict[str, Any]]:
    """What becomes of a file."""
    with answering(lambda _: Answer(body)) as url, closing(SOURCE.system.open(RECORDING.connection(url))) as files:
        return [row for record in fetch(files, RECORDING.day.window) for _, row in tidy(record)]


def test_the_vintage_of_iris_is_read_from_the_names_of_the_columns() -> None:
    (row,) = rows(fetch_iris, tidy_iris, zipped(data=WIDE.format(y="19")))
    assert (row["vintage"], row["title"], row["median_income_eur"]) == ("2019", "Place du Marche", "40120")


def test_a_file_may_be_plain() -> None:
    (row,) = rows(fetch_iris, tidy_iris, WIDE.format(y="21").encode("utf-8-sig"))
    assert row["code"] == "751010101"


@pytest.mark.parametrize("text", ["", "s", "ns", "nd", "so"])
def test_a_figure_that_is_not_published_is_null_and_never_zero(text: str) -> None:
    (row,) = rows(fetch_communes, tidy_commune, zipped(data=LONG.format(mult=0, value=text)))
    assert row["median_income_eur"] is None
    assert row["is_suppressed"] is True


def test_a_published_zero_stays_zero() -> None:
    (row,) = rows(fetch_communes, tidy_commune, zipped(data=LONG.format(mult=0, value="0")))
    assert row["median_income_eur"] == "0"


def cut(body: bytes) -> bytes:
    """The archive with a byte of its first file changed."""
    place = body.index(b".csv") + 10
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (zipped(data="IRIS;DISP_MED21\n", more="IRIS;DISP_MED21\n"), "found 2 tables in the zip, expected one"),
        (zipped(meta="COD_VAR;LIB_VAR\n"), "found 0 tables in the zip, expected one"),
        (b"<html>Maintenance</html>\n", "found no column 'CONF_STATUS'"),
        (cut(zipped(data=LONG.format(mult=0, value=1) * 50)), "found a damaged file"),
        (b"FILOSOFI_MEASURE\n\xff\xfe\n", "found a damaged file"),
        (zipped(data=LONG.format(mult=3, value=22)), "found a UNIT_MULT, expected plain units"),
    ],
    ids=["two tables", "no table", "a page", "a damaged zip", "no text", "thousands"],
)
def test_a_file_that_is_no_good_is_refused(body: bytes, found: str) -> None:
    with pytest.raises(SourceReplyInvalid, match=f"^insee: .*{found}"):
        rows(fetch_communes, tidy_commune, body)


def test_a_zip_that_unpacks_to_more_than_its_bound_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insee, "LARGEST", 1000)
    bomb = zipped(data=LONG.format(mult=0, value=1) + " " * 100_000)
    assert len(bomb) < 1000
    with pytest.raises(SourceReplyInvalid, match=r"found 100\d+ bytes in the zip, expected at most 1000"):
        rows(fetch_communes, tidy_commune, bomb)


def test_the_connection_may_name_newer_files() -> None:
    recording = Recording("insee", RECORDING.said | {"connection": {"extra": {"iris": "filosofi/2024.csv"}}})
    with replaying(recording, "iris") as system:
        asked(system)
    assert system.asked == ["GET /filosofi/2024.csv"]


def asked(system: Replay) -> None:
    files = SOURCE.system.open(system.connection())
    with pytest.raises(SourceReplyInvalid, match="404"):
        list(fetch_iris(files, system.window))
    files.close()


def test_the_test_button_names_the_vintage() -> None:
    with replaying(RECORDING, "communes") as system:
        files = SOURCE.system.open(system.connection())
        assert files.check() == "insee: answered with communes of 2023"
        files.close()
