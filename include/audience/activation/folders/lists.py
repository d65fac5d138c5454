"""Lists as files, for whoever reads files: what `Platform` promises, without a platform. What stands where is said in
`destinations/file.py`.

What a batch tells is put there at once, as a part (`lists/vip/_parts/`): that is what is acknowledged. The parts are folded
into the list when it is read back, and at the end of the push: the list's file of the day appears as a whole, then the
manifest that names it, then its parts go. Folding again, after a crash, comes to the same.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from audience.activation.destination import Answer, Listed, OptOut, Results, Shown
from audience.activation.folders import CAPABILITIES, sheet
from audience.activation.folders.sheet import EMAIL, KEY, PUT, REMOVE, Sheets
from audience.activation.folders.shelf import Shelf
from audience.core.errors import DestinationRefused
from audience.core.masked import Personal
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, Recipient, SendableAudience

BASE_LIST = CAPABILITIES.base_list

KEPT = timedelta(days=30)
"""Files of days longer than this before the newest are deleted: a list is not an archive of who was on it."""

REASONS = ("unsubscribe", "complaint", "hard_bounce", "blocklist")

UNDATED = "undated"
"""In the place of a day, for files of a push that was told none."""

_DAY = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}}|{UNDATED})(\.changes)?\.csv")


class Lists:
    """The folder during one push.

    Args:
        as_of: partition of the segments, which names the files; without one they keep the day they have.
    """

    def __init__(self, shelf: Shelf, sheets: Sheets, scratch: Path, as_of: date | None) -> None:
        self._shelf, self._sheets, self._scratch, self._as_of = shelf, sheets, scratch, as_of
        self._wanted: set[str] = set()
        self._last_part: dict[str, int] = {}
        self._numbers = count()
        self._has_opt_outs = self._is_push = False

    # -- reading ---------------------------------------------------------------------------------------------------

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """All that the files of `opt_outs` say; one without an instant is told every time."""
        self._take_opt_outs()
        for row in self._sheets.opt_outs():
            at: datetime = row["left_at"]
            if since is None or at >= since or at.year == 1970:
                reason = row["reason"] if row["reason"] in REASONS else "unsubscribe"
                yield OptOut(_shown(row), reason, at.astimezone(UTC))

    def read_back(self, list_name: str) -> Iterator[Listed]:
        if self._is_push:
            self._publish(list_name)
        if not (manifest := self._manifest(list_name)):
            return
        self._take_opt_outs()
        path = self._fetched(f"{_folder(list_name)}/{manifest['file']}")
        for row in self._sheets.members(path, sheet.columns_of(list_name)):
            attributes = None if list_name else _attributes(row)
            yield Listed(_shown(row), row["left_at"], attributes)

    def _take_opt_outs(self) -> None:
        """Raises DestinationRefused for a file that cannot be understood: somebody in it may have said no."""
        if self._has_opt_outs:
            return
        for name in [n for n in self._shelf.names("opt_outs") if n.endswith(".csv") and n[0] not in "._"]:
            try:
                self._sheets.take_opt_outs(self._fetched(f"opt_outs/{name}"))
            except sheet.Unreadable as problem:
                raise DestinationRefused(f"opt_outs/{name}: {problem}") from None
        self._has_opt_outs = True

    # -- writing ---------------------------------------------------------------------------------------------------

    def ensure_schema(self, lists: Collection[str]) -> None:
        """Nothing has to be made beforehand; the lists named here get a file of the day, also one that did not change."""
        for name in lists:
            _folder(name)  # raises for a name that is no folder's
        self._wanted |= {"", *lists}
        self._is_push = True

    def upsert(self, audience: SendableAudience) -> Answer:
        return self._tell("", (_put(r) for r in audience))

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        return self._tell(list_name, (_put(r) for r in audience))

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        return self._tell(list_name, (_remove(v) for v in leavers))

    def poll(self, job: object) -> Answer:
        """Nothing is done later."""
        raise DestinationRefused(f"found job {job}, expected none")

    def erase(self, people: Sequence[Leaver]) -> Answer:
        """Takes people out of every file of every list, and tells the other side by `erased.csv`."""
        keys = {v.told_as for v in people if v.told_as}
        for list_name in self._there():
            self._tell(list_name, (_remove(v) for v in people))
            self._publish(list_name)
            folder = _folder(list_name)
            for name in [n for n in self._shelf.names(folder) if n.endswith(".csv")]:
                without = self._new()
                if self._sheets.without(self._fetched(f"{folder}/{name}"), keys, without):
                    self._shelf.put(without, f"{folder}/{name}")
            self._tell_of(list_name)
        self._tell_erased(more=keys)
        return Results()

    def _tell(self, list_name: str, told: Iterable[Sequence[str | bool | None]]) -> Results:
        folder = f"{_folder(list_name)}/_parts"
        self._is_push = True
        if list_name not in self._last_part:
            self._last_part[list_name] = max((int(n[:9]) for n in self._parts(list_name)), default=0)
        number = self._last_part[list_name] + 1
        self._shelf.put(sheet.write_part(self._new(), told), f"{folder}/{number:09}.csv")
        self._last_part[list_name] = number
        return Results()

    # -- publishing --------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Every list that was wanted, and every one that has parts, as a file of the day; nothing when all was only read."""
        if not self._is_push:
            return
        there = self._there()
        for list_name in sorted({*there, *self._wanted}):
            self._publish(list_name)
        if "" in there:
            self._tell_erased()

    def _publish(self, list_name: str) -> None:
        folder, parts, manifest = _folder(list_name), self._parts(list_name), self._manifest(list_name)
        day = max(filter(None, (str(self._as_of or ""), str(manifest.get("as_of", "")))), default=UNDATED)
        is_wanted = list_name in self._wanted and manifest.get("as_of") != day
        if not parts and not is_wanted:
            return
        columns, new, changes = sheet.columns_of(list_name), self._new(), self._new()
        current = self._fetched(f"{folder}/{manifest['file']}") if manifest else None
        told = [self._fetched(f"{folder}/_parts/{name}", f"part-{name}") for name in parts]
        self._sheets.fold(current, told, columns, new)
        before = max(
            (m[1] for m in map(_DAY.fullmatch, self._shelf.names(folder)) if m and not m[2] and m[1] < day), default=""
        )
        earlier = self._fetched(f"{folder}/{before}.csv") if before else None
        self._sheets.changes(earlier, new, columns, changes)
        self._shelf.put(new, f"{folder}/{day}.csv")
        self._shelf.put(changes, f"{folder}/{day}.changes.csv")
        self._tell_of(list_name, day=day, since=before)
        for name in parts:
            self._shelf.delete(f"{folder}/_parts/{name}")
        self._forget_old(folder, day)

    def _tell_of(self, list_name: str, *, day: str = "", since: str = "") -> None:
        """Writes the manifest: of the newest file as it is there now."""
        folder, known = _folder(list_name), self._manifest(list_name)
        if not (day := day or known.get("as_of", "")):
            return
        since = since or known.get("changes", {}).get("since", "")
        files = {name: self._fetched(f"{folder}/{name}") for name in (f"{day}.csv", f"{day}.changes.csv")}
        full, changes = files.values()
        manifest = {
            "list": list_name or BASE_LIST, "as_of": day, "file": f"{day}.csv", "columns": sheet.columns_of(list_name),
            "rows": self._sheets.count(full), "sha256": sheet.digest(full),
            "changes": {"file": f"{day}.changes.csv", "since": since, "rows": self._sheets.count(changes),
                        "sha256": sheet.digest(changes)},
        }  # fmt: skip
        aside = self._new()
        aside.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        self._shelf.put(aside, f"{folder}/manifest.json")

    def _tell_erased(self, more: Collection[str] = ()) -> None:
        """Who was erased, less those who are with us again."""
        known = [self._fetched("erased.csv")] if "erased.csv" in self._shelf.names("") else []
        if not known and not more:
            return
        manifest = self._manifest("")
        base = self._fetched(f"{_folder('')}/{manifest['file']}") if manifest else None
        target = self._new()
        self._sheets.keys(known, less=base, more=more, target=target)
        self._shelf.put(target, "erased.csv")

    def _forget_old(self, folder: str, day: str) -> None:
        if day == UNDATED:
            return
        oldest = (date.fromisoformat(day) - KEPT).isoformat()
        for name in self._shelf.names(folder):
            if (found := _DAY.fullmatch(name)) and found[1] < oldest:
                self._shelf.delete(f"{folder}/{name}")

    # -- what is there -----------------------------------------------------------------------------------------------

    def _there(self) -> list[str]:
        return ["" if n == BASE_LIST else n for n in self._shelf.names("lists") if n[0] not in "._"]

    def _parts(self, list_name: str) -> list[str]:
        return [n for n in self._shelf.names(f"{_folder(list_name)}/_parts") if re.fullmatch(r"\d{9}\.csv", n)]

    def _manifest(self, list_name: str) -> dict[str, Any]:
        """Empty for a list that was never published, or whose file somebody took away."""
        folder = _folder(list_name)
        names = self._shelf.names(folder)
        if "manifest.json" not in names:
            return {}
        try:
            found = json.loads(self._fetched(f"{folder}/manifest.json").read_bytes())
        except ValueError:
            found = None
        if not isinstance(found, dict) or not _DAY.fullmatch(str(found.get("file"))):
            raise DestinationRefused(f"{folder}/manifest.json: found another program's, expected the one of this list")
        return found if found["file"] in names else {}

    def _fetched(self, path: str, name: str = "") -> Path:
        return self._shelf.fetch(path, self._scratch / (name or f"{next(self._numbers)}.csv"))

    def _new(self) -> Path:
        return self._scratch / f"{next(self._numbers)}.csv"


def _folder(list_name: str) -> str:
    name = list_name or BASE_LIST
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name) or list_name == BASE_LIST:
        raise DestinationRefused(
            f"list {name!r}: expected letters, digits, '_', '-', and another name than {BASE_LIST!r}"
        )
    return f"lists/{name}"


def _put(recipient: Recipient) -> Sequence[str | bool | None]:
    texts = (recipient.first_name, recipient.last_name)
    return (
        PUT, recipient.told_as, recipient.email.reveal(), *(t.reveal() if t is not None else None for t in texts),
        recipient.open_tracking, recipient.click_tracking,
    )  # fmt: skip


def _remove(leaver: Leaver) -> Sequence[str | bool | None]:
    return (REMOVE, leaver.told_as, *(None for _ in sheet.PROFILE[1:]))


def _shown(row: dict[str, Any]) -> Shown:
    return Shown(row[KEY] or "", Personal(row[EMAIL]) if row[EMAIL] else None)


def _attributes(row: dict[str, Any]) -> dict[str, Personal | bool]:
    texts = {name: Personal(row[name]) for name in TEXTS if row[name] is not None}
    return texts | {name: row[name] == "true" for name in FLAGS if row[name] is not None}
