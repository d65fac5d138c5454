"""Web servers' access logs: pages seen and files downloaded, where no tag measures them.

API     lines of the combined log format (Apache mod_log_config, nginx ngx_http_log_module), plain or gzip, in files
        `access-{day:%Y-%m-%d}*.log*`, or as `files` of the connection's extra names them. A further quoted field is the
        visitor's cookie: `"%{visitor}C"` in Apache's LogFormat, `"$cookie_visitor"` in nginx's.
Grain   web_event: one page or file that was served whole (GET, 200; 304 for a page that the browser still had).
Units   instants to the second with the server's offset from UTC.
Limits  1 MiB a line.
Quirks  the network address is not kept: it is personal data, tells no person (many share one, one has many), and nothing
        here needs it. So a log without the cookie counts pages and is of nobody. Images, scripts and other parts of pages
        give no event. A line has no identifier: it is its place in its file, so a file keeps its name (.gz aside) and its
        lines. A file may begin and end in the middle of a day, when logs are rotated: the day before is read again.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from typing_extensions import TypedDict

from audience.sources.contract import (
    Field,
    Files,
    Iso,
    Row,
    Source,
    Stream,
    Unreadable,
    Window,
    campaign_of,
    device_of,
    files,
    is_robot,
    path_of,
)

FILES = "access-{day:%Y-%m-%d}*.log*"

QUOTED = r'"((?:[^"\\]|\\.)*)"'

COMBINED = re.compile(
    r"\S+ \S+ [^\[]*\[(?P<day>\d\d)/(?P<month>\w{3})/(?P<year>\d{4}):(?P<clock>\d\d:\d\d:\d\d) (?P<offset>[+-]\d{4})\] "
    + QUOTED.replace("(", "(?P<request>", 1)
    + r" (?P<status>\d{3}) \S+ "
    + QUOTED
    + " "
    + QUOTED.replace("(", "(?P<agent>", 1)
    + "(?: "
    + QUOTED.replace("(", "(?P<visitor>", 1)
    + ")?"
)

MONTHS = {"Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06", "Jul": "07", "Aug": "08", "Sep": "09",
          "Oct": "10", "Nov": "11", "Dec": "12"}  # fmt: skip

DOWNLOADS = {".pdf", ".zip", ".epub", ".csv", ".xls", ".xlsx", ".doc", ".docx", ".ppt", ".pptx", ".odt", ".ods", ".mp3",
             ".mp4"}  # fmt: skip

PARTS = {".css", ".js", ".mjs", ".map", ".json", ".xml", ".txt", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico",
         ".woff", ".woff2", ".ttf", ".otf", ".webmanifest"}  # fmt: skip
"""Endings of what pages are made of, and of what only programs ask for."""


class Hit(TypedDict):
    _file: str
    _day: str
    _offset: int
    at: str
    request: str
    status: str
    agent: str
    visitor: str | None


def fetch_hits(folder: Files, window: Window) -> Iterator[Hit | Unreadable]:
    for line in folder.lines(folder.connection.extra.get("files") or FILES, window, COMBINED, required=True):
        yield line if isinstance(line, Unreadable) else _hit(line)


def _hit(line: dict[str, Any]) -> Hit:
    day, month, year, clock, offset = (line.pop(part) for part in ("day", "month", "year", "clock", "offset"))
    return line | {"at": f"{year}-{MONTHS.get(month, month)}-{day}T{clock}{offset}"}  # type: ignore[return-value]


def tidy_hit(record: Hit) -> Iterator[Row]:
    method, _, asked = record["request"].partition(" ")
    address = asked.partition(" ")[0]
    path = path_of(address) or "/"
    ending = PurePosixPath(path).suffix.lower()
    is_download = ending in DOWNLOADS
    if method != "GET" or ending in PARTS or record["status"] not in (("200",) if is_download else ("200", "304")):
        return
    agent, visitor = record["agent"], record["visitor"]
    yield (
        "web_event",
        {
            "event_id": f"{record['_file'].removesuffix('.gz')}:{record['_offset']}",
            "type": "download" if is_download else "page_view",
            "channel": "web",
            "visitor_id": None if visitor == "-" else visitor,
            "occurred_at": record["at"],
            "path": path,
            "device": device_of(agent),
            **campaign_of(address),
            "is_machine": is_robot(agent),
        },
    )


SOURCE = Source(
    name="access_logs",
    title="Web servers' access logs",
    system=files(
        "access_logs",
        "Access logs",
        fields=(Field("files", "Names of the files", FILES, "empty: as in the example"),),
    ),
    streams=(
        Stream("hits", fetch_hits, tidy_hit, entities=("web_event",), cursor=Iso("at"), reread_days=1,
               personal=("visitor",)),
    ),
)  # fmt: skip
