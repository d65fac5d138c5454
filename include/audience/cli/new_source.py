"""The beginning of a source: a file that works, and the recording by which it is tested."""

from pathlib import Path

from audience.core.errors import DeclarationError
from audience.sources.contract.declaration import check_name

SOURCE = '''"""{title}: its members.

API     REST, `GET /members`, half-open window on `changed_at`, pages by cursor.
Grain   contact: one member.
Units   times are UTC.
Limits  500 records a page, 5 requests a second.
Quirks  a member who left stays, with `left: true` and no address.
"""

from collections.abc import Iterator

from typing_extensions import TypedDict

from audience.sources.contract import Rest, Row, Source, Stream, Window, bearer, rest


class Member(TypedDict):
    number: str
    email: str | None
    first_name: str | None
    joined_at: str
    changed_at: str
    left: bool


def fetch_members(api: Rest, window: Window) -> Iterator[Member]:
    between = {{"from": window.start.isoformat(), "to": window.end.isoformat(), "limit": 500}}
    return api.by_cursor("members", "items", between)


def tidy_member(record: Member) -> Iterator[Row]:
    yield (
        "contact",
        {{
            "record_id": record["number"],
            "email": record["email"],
            "first_name": record["first_name"],
            "created_at": record["joined_at"],
            "updated_at": record["changed_at"],
            "is_deleted": record["left"],
        }},
    )


SOURCE = Source(
    name="{name}",
    title="{title}",
    system=rest("{name}", "{title}", auth=bearer, check="members?limit=1", requests_per_second=5),
    streams=(
        Stream(
            "members", fetch_members, tidy_member, entities=("contact",), cursor="changed_at",
            personal=("email", "first_name"), deletions="in the record",
        ),
    ),
)  # fmt: skip
'''

RECORDING = """# What the system answers, written by hand from its documentation. Nobody in here exists.
seen: 2026-11-22 https://developers.example.com/reference/members
day: 2026-11-20
connection: {{password: key-of-nobody}}
streams:
  members:
    records: items # where a reply has the list of records; `empty:` is a whole reply without any, if it tells a total
    exchanges:
      - ask: GET /members?from={{start:%Y-%m-%dT%H:%M:%S+00:00}}&to={{end:%Y-%m-%dT%H:%M:%S+00:00}}&limit=500
        reply:
          items:
            - {{number: M-1, email: ana@mailbox.example, first_name: Ana, joined_at: "2026-01-05T10:00:00Z",
               changed_at: "2026-11-20T08:00:00Z", left: false}}
          next_cursor: page-2
      - ask: GET /members?from={{start:%Y-%m-%dT%H:%M:%S+00:00}}&to={{end:%Y-%m-%dT%H:%M:%S+00:00}}&limit=500&cursor=page-2
        reply:
          items:
            - {{number: M-2, email: null, first_name: null, joined_at: "2026-02-01T10:00:00Z",
               changed_at: "2026-11-20T23:59:59Z", left: true}}
          next_cursor: null
    rows: # what `tidy` makes of it; nulls left out
      contact:
        - {{record_id: M-1, email: ana@mailbox.example, first_name: Ana, created_at: "2026-01-05T10:00:00Z",
           updated_at: "2026-11-20T08:00:00Z", is_deleted: false}}
        - {{record_id: M-2, created_at: "2026-02-01T10:00:00Z", updated_at: "2026-11-20T23:59:59Z", is_deleted: true}}
"""


def begin(name: str, title: str, repository: Path) -> list[Path]:
    """Writes the two files, and gives their paths.

    Raises:
        DeclarationError: the name cannot be a source's, or one of the files is there already; nothing is written then.
    """
    check_name(name)
    texts = {
        repository / "include" / "audience" / "sources" / f"{name}.py": SOURCE,
        repository / "tests" / "sources" / "recorded" / f"{name}.yaml": RECORDING,
    }
    for file in texts:
        if file.exists():
            raise DeclarationError(
                str(file.relative_to(repository)), "there is such a file already; nothing was written"
            )
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(name=name, title=title), encoding="utf-8")
    return list(texts)
