"""La Poste's official base of postal codes: which communes a postal code serves.

API     one CSV with `;` of datanova.laposte.fr, `GET .../datasets/laposte-hexasmal/raw` (about 39,000 lines, replaced twice a
        year). Open data, no account.
Grain   postal_place: one postal code of one commune. A code may serve many communes, a commune may have many codes.
Units   codes are text of five characters: departments 01 to 09 begin with a zero, Corsica's communes with 2A or 2B.
Limits  none.
Quirks  the file is ISO 8859-1, although the answer says UTF-8. Paris, Lyon and Marseille are listed by municipal
        arrondissement (75101, not 75056), as INSEE's IRIS are. A place name of the fifth line of the address makes a pair
        come again.
"""

import csv
from collections.abc import Iterator

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, SourceReplyInvalid, Stream, Window, anonymous, rest

PostalCode = TypedDict("PostalCode", {"#Code_commune_INSEE": str, "Nom_de_la_commune": str, "Code_postal": str})


def fetch_postal_codes(api: Rest, _: Window) -> Iterator[PostalCode]:
    records = csv.DictReader((_text(line) for line in api.lines("raw")), delimiter=";")
    if records.fieldnames and "Code_postal" not in records.fieldnames:
        raise SourceReplyInvalid(
            f"{api.connection.name}: GET raw: found no column Code_postal, expected the base as CSV"
        )
    yield from records


def tidy_postal_code(record: PostalCode) -> Iterator[Row]:
    yield (
        "postal_place",
        {
            "postal_code": record["Code_postal"],
            "commune": record["#Code_commune_INSEE"],
            "title": record["Nom_de_la_commune"],
        },
    )


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("iso-8859-1")


SOURCE = Source(
    name="laposte",
    title="La Poste postal codes",
    system=rest(
        "laposte",
        "La Poste postal codes",
        auth=anonymous,
        url="https://datanova.laposte.fr/data-fair/api/v1/datasets/laposte-hexasmal",
        fields=(Field("host", "Address of the data set", help="Empty: La Poste's own"),),
    ),
    streams=(
        Stream(
            "postal_codes", fetch_postal_codes, tidy_postal_code, entities=("postal_place",), cursor=None,
            ignores=("Libellé_d_acheminement", "Ligne_5"),
        ),
    ),
)  # fmt: skip
