"""The European Central Bank's euro reference rates: what one euro was worth in other currencies on a working day.

API     SDMX REST (data.ecb.europa.eu/help/api/data), `GET data/EXR/D..EUR.SP00.A` as CSV: daily, every currency against
        EUR, spot, average; `startPeriod` and `endPeriod` are days, both included. Open data, no account.
Grain   exchange_rate: one currency on one day.
Units   `OBS_VALUE` is units of the currency for one EUR.
Limits  about 30 currencies a day; the first rates are of 1999-01-04.
Quirks  published at about 16:00 CET; no rates on weekends and TARGET holidays, when the last ones before them apply. A day
        without rates is an empty reply or, as documented, 404: a window always reaches back to a working day, so here a
        404 is a wrong address and ends the extraction. A currency that is suspended has no value, or `NaN`.
"""

import csv
from collections.abc import Iterator
from datetime import timedelta

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Iso,
    Rest,
    Row,
    Source,
    SourceReplyInvalid,
    Stream,
    Window,
    anonymous,
    rest,
)


class Observation(TypedDict):
    CURRENCY: str
    TIME_PERIOD: str
    OBS_VALUE: str


def fetch_rates(api: Rest, window: Window) -> Iterator[Observation]:
    last_day = window.end - timedelta(days=1)
    asked = {"startPeriod": f"{window.start:%Y-%m-%d}", "endPeriod": f"{last_day:%Y-%m-%d}",
             "format": "csvdata", "detail": "dataonly"}  # fmt: skip
    lines = (line.decode() for line in api.lines("data/EXR/D..EUR.SP00.A", asked))
    records = csv.DictReader(lines)
    if records.fieldnames and "OBS_VALUE" not in records.fieldnames:
        raise SourceReplyInvalid(f"{api.connection.name}: GET data/EXR: found no column OBS_VALUE, expected SDMX CSV")
    yield from records


def tidy_rate(record: Observation) -> Iterator[Row]:
    if record["OBS_VALUE"] not in ("", "NaN"):
        yield (
            "exchange_rate",
            {"currency": record["CURRENCY"], "day": record["TIME_PERIOD"], "per_eur": record["OBS_VALUE"]},
        )


SOURCE = Source(
    name="ecb",
    title="ECB euro reference rates",
    system=rest(
        "ecb",
        "European Central Bank",
        auth=anonymous,
        url="https://data-api.ecb.europa.eu/service",
        check="data/EXR/D.USD.EUR.SP00.A?lastNObservations=1&format=jsondata",
        fields=(Field("host", "Address", "https://data-api.ecb.europa.eu/service", "Empty: the bank's own"),),
    ),
    streams=(
        Stream(
            "rates", fetch_rates, tidy_rate, entities=("exchange_rate",), cursor=Iso("TIME_PERIOD", zone="UTC"),
            # Corrections are rare; the longest time without rates is Good Friday to Easter Monday, 4 days.
            reread_days=7,
            ignores=("KEY", "FREQ", "CURRENCY_DENOM", "EXR_TYPE", "EXR_SUFFIX"),
        ),
    ),
)  # fmt: skip
