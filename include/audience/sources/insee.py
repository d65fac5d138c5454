"""INSEE's Filosofi: incomes and poverty of the people of a commune or an IRIS (a quarter of about 2,000 people).

API     two yearly files of www.insee.fr, a zip or plain CSV with `;`, replaced by their successors' paths in the connection's
        settings: communes in the long form of INSEE's data catalogue (page 8984752: one figure of one area a line,
        `FILOSOFI_MEASURE;GEO;GEO_OBJECT;...`), IRIS in the wide form (page 8229323: `IRIS;DISP_MED21;...`, the year in the
        name of each column). Open data, no account. Any host with files of these forms will do.
Grain   place: one commune (or municipal arrondissement of Paris, Lyon, Marseille) or one IRIS of one vintage.
Units   disposable income per consumption unit and year, EUR; poverty in percent; people may be halves, because a child in
        shared custody counts half in each household. The decimal sign is a comma in the wide form, a point in the long one.
Limits  communes: vintage 2023, about 35,000; IRIS: vintage 2021, the last one, in communes of 5,000 people or more.
Quirks  2022 was never published, and 2023 (Filosofi 2) is computed otherwise: vintages are not to be compared. A figure
        that is not published is written `s`, `ns`, `nd`, `so`, left blank or marked confidential: it is null here, never
        zero. Figures of areas do not add up to those of the areas they make. Borders are those of the file's own year.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from typing import Any, NotRequired
from zipfile import BadZipFile, ZipFile, is_zipfile
from zlib import error as DamagedData  # noqa: N812 - an exception reads as one

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, SourceReplyInvalid, Stream, System, Window, anonymous

FILES = {
    "communes": "fr/statistiques/fichier/8984752/FILOSOFI_CC_csv.zip",
    "iris": "fr/statistiques/fichier/8229323/BASE_TD_FILO_IRIS_2021_DISP_CSV.zip",
}
"""Where the latest vintages are, below the host."""

LARGEST = 500 << 20
"""Bytes a file may have when unpacked; INSEE states 5 MB for the largest one, packed."""

NOT_PUBLISHED = ("", "s", "ns", "nd", "so")
"""Secret, not significant, not available, without object."""

MEASURES = ("MED_SL", "D1_SL", "D9_SL", "PR_MD60", "NUM_HH", "NUM_PER")


class Commune(TypedDict):
    GEO: str
    TIME_PERIOD: str
    MED_SL: str
    D1_SL: NotRequired[str]
    D9_SL: NotRequired[str]
    PR_MD60: NotRequired[str]
    NUM_HH: NotRequired[str]
    NUM_PER: NotRequired[str]


class Iris(TypedDict):
    IRIS: str
    LIBIRIS: NotRequired[str]
    vintage: str
    DISP_MED: str
    DISP_D1: str
    DISP_D9: str
    DISP_TP60: str


@dataclass(frozen=True)
class Files:
    """The files of one host."""

    rest: Rest

    def rows(self, name: str, *needed: str) -> Iterator[dict[str, str]]:
        """The rows of one of `FILES`.

        Raises:
            SourceReplyInvalid: it is damaged, larger than `LARGEST`, or lacks a column that is needed.
        """
        path = str(self.rest.connection.extra.get(name) or FILES[name])
        place = f"{self.rest.connection.name}: GET {path}"
        try:
            with _unpacked(place, self.rest.text("GET", path)) as text:
                rows = csv.DictReader(text, delimiter=";", restkey="too many columns")
                if missing := sorted(set(needed) - set(rows.fieldnames or ())):
                    raise SourceReplyInvalid(f"{place}: found no column {missing[0]!r}")
                yield from rows
        except (BadZipFile, DamagedData, EOFError, UnicodeDecodeError, csv.Error) as error:
            raise SourceReplyInvalid(f"{place}: found a damaged file ({type(error).__name__})") from None

    def check(self) -> str:
        area = next(self.rows("communes", "GEO", "TIME_PERIOD"), {})
        return f"{self.rest.connection.name}: answered with communes of {area.get('TIME_PERIOD', 'no year')}"

    def close(self) -> None:
        self.rest.close()


def fetch_communes(files: Files, _: Window) -> Iterator[Commune]:
    areas: dict[tuple[str, str], Any] = {}
    for row in files.rows("communes", "FILOSOFI_MEASURE", "GEO", "GEO_OBJECT", "CONF_STATUS", "UNIT_MULT", "TIME_PERIOD",
                          "OBS_VALUE"):  # fmt: skip
        if row["GEO_OBJECT"] not in ("COM", "ARM") or row["FILOSOFI_MEASURE"] not in MEASURES:
            continue
        if row["UNIT_MULT"] not in ("", "0"):
            raise SourceReplyInvalid(f"insee: {row['FILOSOFI_MEASURE']}: found a UNIT_MULT, expected plain units")
        key = (row["GEO"], row["TIME_PERIOD"])
        area = areas.setdefault(key, {"GEO": row["GEO"], "TIME_PERIOD": row["TIME_PERIOD"]})
        area[row["FILOSOFI_MEASURE"]] = "s" if row["CONF_STATUS"] == "C" else row["OBS_VALUE"]
    yield from areas.values()


def fetch_iris(files: Files, _: Window) -> Iterator[Iris]:
    for row in files.rows("iris", "IRIS"):
        year = next((m[1] for name in row if (m := re.fullmatch(r"DISP_MED(\d\d)", name))), "")
        yield {"vintage": f"20{year}", **{name.removesuffix(year): text for name, text in row.items()}}  # type: ignore[typeddict-item]


def tidy_commune(record: Commune) -> Iterator[Row]:
    yield _place(
        {
            "level": "commune",
            "code": record["GEO"],
            "vintage": record["TIME_PERIOD"],
            "commune": record["GEO"],
            "households": _published(record.get("NUM_HH", "")),
            "people": _published(record.get("NUM_PER", "")),
        },
        median=record["MED_SL"],
        first=record.get("D1_SL", ""),
        ninth=record.get("D9_SL", ""),
        poverty=record.get("PR_MD60", ""),
    )


def tidy_iris(record: Iris) -> Iterator[Row]:
    yield _place(
        {
            "level": "iris",
            "code": record["IRIS"],
            "vintage": record["vintage"],
            "commune": record["IRIS"][:5],
            "title": record.get("LIBIRIS"),
        },
        median=record["DISP_MED"],
        first=record["DISP_D1"],
        ninth=record["DISP_D9"],
        poverty=record["DISP_TP60"],
    )


def _place(area: dict[str, object], **figures: str) -> Row:
    known = {name: _published(text) for name, text in figures.items()}
    return "place", area | {
        "median_income_eur": known["median"],
        "first_decile_eur": known["first"],
        "ninth_decile_eur": known["ninth"],
        "poverty_percent": known["poverty"],
        "is_suppressed": None in known.values(),
    }


def _published(text: str) -> str | None:
    """The number with a decimal point; null where none is published."""
    return None if text.strip() in NOT_PUBLISHED else text.strip().replace(",", ".")


def _unpacked(place: str, body: bytes) -> TextIOWrapper:
    """The text of the file, or of the only table of a zip; beside it there is one that describes the columns."""
    if not is_zipfile(BytesIO(body)):
        return TextIOWrapper(BytesIO(body), encoding="utf-8-sig", newline="")
    archive = ZipFile(BytesIO(body))
    tables = [f for f in archive.infolist() if f.filename.lower().endswith(".csv") and "meta" not in f.filename.lower()]
    if len(tables) != 1:
        raise SourceReplyInvalid(f"{place}: found {len(tables)} tables in the zip, expected one")
    if tables[0].file_size > LARGEST:  # zipfile never unpacks more than a file's stated size
        raise SourceReplyInvalid(f"{place}: found {tables[0].file_size} bytes in the zip, expected at most {LARGEST}")
    return TextIOWrapper(archive.open(tables[0]), encoding="utf-8-sig", newline="")


SOURCE = Source(
    name="insee",
    title="INSEE incomes by commune and IRIS",
    system=System(
        "insee",
        "INSEE files",
        lambda connection: Files(Rest(connection.at("https://www.insee.fr"), anonymous)),
        (
            Field("host", "Address", "https://www.insee.fr", "Empty: INSEE's own"),
            Field("communes", "File of communes", FILES["communes"], "Empty: vintage 2023"),
            Field("iris", "File of IRIS", FILES["iris"], "Empty: vintage 2021"),
        ),
    ),
    streams=(
        Stream("communes", fetch_communes, tidy_commune, entities=("place",), cursor=None),
        Stream(
            "iris", fetch_iris, tidy_iris, entities=("place",), cursor=None,
            ignores=(
                "COM", "LIBCOM", "DISP_INCERT", "DISP_Q1", "DISP_Q3", "DISP_EQ", "DISP_D2", "DISP_D3", "DISP_D4", "DISP_D6",
                "DISP_D7", "DISP_D8", "DISP_RD", "DISP_S80S20", "DISP_GI", "DISP_PACT", "DISP_PTSA", "DISP_PCHO", "DISP_PBEN",
                "DISP_PPEN", "DISP_PPAT", "DISP_PPSOC", "DISP_PPFAM", "DISP_PPMINI", "DISP_PPLOGT", "DISP_PIMPOT",
                "DISP_NOTE",
            ),
        ),
    ),
)  # fmt: skip
