"""Mailchimp, through its Marketing API 3.0 (mailchimp.com/developer/marketing/api, specification 3.0.90, seen 2026-11-22).

One audience of the account is written to. Every contact we manage is in its static segment `audience`, each of our segments
is the static segment `audience/<segment>` (static segments show as tags); what is named otherwise belongs to somebody else.

Contacts are written by `PUT /lists/{id}/members/{hash}` with `status_if_new`, which Mailchimp ignores for everybody who is
there already: unsubscribed, cleaned and archived people stay what they are. The bulk call `POST /lists/{id}` is not used:
its status is written on existing members too (that is how resyncs have re-subscribed thousands, mc-woocommerce#1264). So a
batch of PUTs goes through `POST /batches`, a job whose archive tells what became of each one.

Whom somebody archives or deletes for ever there becomes a dead letter: only they themselves can come back. An erasure of ours
deletes for ever.
"""

import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from audience.activation.answers import code, json_object
from audience.activation.destination import (
    Answer,
    Calls,
    Capabilities,
    Job,
    Listed,
    OptOut,
    Platform,
    Refusal,
    Results,
    Shown,
)  # fmt: skip
from audience.activation.wire import TIMEOUT_SECONDS, Wire, trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused, DestinationUnavailable, SettingsError
from audience.core.masked import Personal
from audience.core.turns import OwnTurns
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, Recipient, SendableAudience

BASE_LIST = "audience"

PER_CALL = 500
"""Members that one call adds to, or removes from, a static segment, at most. A batch of upserts is as large, since one
such operation in it puts its members on the base list."""

PAGE = 1000
"""Records per page, at most."""

REQUESTS_PER_SECOND = 10.0
"""Mailchimp limits open connections (10), not the rate: calls come one after the other here. This keeps us polite."""

TAGS = dict(zip(TEXTS + FLAGS, ("FNAME", "LNAME", "OPENTRACK", "CLICKTRACK"), strict=True))
"""Attribute -> merge tag, of 10 characters at most. Mailchimp has no boolean: a flag is the text yes or no."""

YES, NO = "yes", "no"

PLACING = "base list"
"""The operation of a batch that puts its members on the base list, beside those named by contact keys."""

MOST_TAGS = 50
"""Tags of a member that Mailchimp shows; whether one more is among them cannot be seen."""

GONE = ("unsubscribed", "cleaned")
"""Statuses of people whom no mail reaches any more: unsubscribed (complaints too) and bounced for good."""


class Mailchimp:
    """One audience of a Mailchimp account.

    Args:
        connection: `password` the API key, which ends with the account's data centre (`...-us19`); `url` only for another
            address, such as https://us19.api.mailchimp.com/3.0; `audience` of the extra the audience's id.
        clock: seconds, for pacing.
    """

    name = "mailchimp"
    capabilities = Capabilities(
        upsert_batch=PER_CALL, add_batch=PER_CALL, remove_batch=PER_CALL, base_list=BASE_LIST, jobs_at_once=4,
        engagement="mailchimp", list_name_length=100 - len(f"{BASE_LIST}/"),
    )  # fmt: skip
    settings: ClassVar[Mapping[str, str]] = {
        "audience": "Id of the audience that contacts are written to, such as b4baa94655 (Audience, Settings).",
        "requests_per_second": "Calls a second, 10 unless said otherwise; Mailchimp itself limits connections only.",
    }

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self.per_second = float(connection.extra.get("requests_per_second", REQUESTS_PER_SECOND))

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        key = self._connection.password.reveal()
        centre = key.rpartition("-")[2]
        url = self._connection.at(f"https://{centre}.api.mailchimp.com/3.0" if centre.isalnum() else "").url
        api = httpx.Client(base_url=url, auth=("audience", key), timeout=TIMEOUT_SECONDS, verify=trusted())
        files = httpx.Client(
            timeout=TIMEOUT_SECONDS, verify=trusted()
        )  # archives lie elsewhere: they never see the key
        with api, files:
            yield _Audience(
                Wire(
                    self.name,
                    api,
                    calls,
                    per_second=self.per_second,
                    turns=self._connection.turns,
                    is_throttled=_is_throttled,
                    clock=self._clock,
                ),
                Wire(self.name, files, calls, per_second=self.per_second, turns=OwnTurns(), clock=self._clock),
                f"/lists/{_audience(self._connection)}",
            )


class _Audience:
    """An open audience: what `Platform` promises, in Mailchimp's calls."""

    def __init__(self, wire: Wire, files: Wire, at: str) -> None:
        self._wire, self._files, self._at = wire, files, at
        self._segments: dict[str, int] = {}

    # -- reading -----------------------------------------------------------------------------------------------------

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Newest first: a member who changes while pages are read moves others to a later page, never to an earlier."""
        asked = {"sort_field": "last_changed", "sort_dir": "DESC", "fields": _fields("unsubscribe_reason")}
        if since is not None:  # changes *after* a moment in whole seconds are told
            asked["since_last_changed"] = f"{since.astimezone(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S+00:00}"
        for status in GONE:
            for member in self._pages(f"{self._at}/members", "members", {**asked, "status": status}):
                yield OptOut(_shown(member), _reason(member), _instant(member["last_changed"]))

    def read_back(self, list_name: str) -> Iterator[Listed]:
        if (number := self._number(list_name)) is None:
            return
        everybody = {f"include_{kind}": "true" for kind in (*GONE, "transactional")}
        asked = {**everybody, "fields": _fields("merge_fields")}
        for member in self._pages(f"{self._at}/segments/{number}/members", "members", asked):
            out = _instant(member["last_changed"]) if member["status"] in GONE else None
            yield Listed(_shown(member), out, _attributes_in(member.get("merge_fields") or {}))

    # -- schema --------------------------------------------------------------------------------------------------------

    def ensure_schema(self, lists: Collection[str]) -> None:
        known = self._tags()
        for attribute, tag in TAGS.items():
            if tag not in known:
                field = {"tag": tag, "name": attribute.replace("_", " ").title(), "type": "text", "public": False}
                self._make(f"{self._at}/merge-fields", field, lambda tag=tag: tag in self._tags())  # type: ignore[misc]
        self._find_segments()
        for name in ["", *lists]:
            if _name(name) not in self._segments:
                segment = {"name": _name(name), "static_segment": []}
                self._make(f"{self._at}/segments", segment, lambda name=name: _name(name) in self._find_segments())  # type: ignore[misc]
        self._find_segments()

    def _tags(self) -> set[str]:
        return {field["tag"] for field in self._pages(f"{self._at}/merge-fields", "merge_fields", {})}

    def _find_segments(self) -> Mapping[str, int]:
        found = self._pages(
            f"{self._at}/segments", "segments", {"type": "static", "fields": "segments.id,segments.name"}
        )
        self._segments = {one["name"]: one["id"] for one in found}
        return self._segments

    def _number(self, list_name: str) -> int | None:
        return (self._segments or self._find_segments()).get(_name(list_name))

    def _make(self, path: str, body: dict[str, Any], is_there: Callable[[], bool]) -> None:
        """Makes something that has a name of its own. When that is refused it may be there: the answer to an earlier
        try was lost, or somebody was faster."""
        answer = self._wire.call("POST", path, body=body)
        if not answer.is_success and not is_there():
            raise DestinationRefused(f"mailchimp: {path}: {code(answer, 'title')}")

    # -- writing -------------------------------------------------------------------------------------------------------

    def upsert(self, audience: SendableAudience) -> Answer:
        operations = [
            {
                "method": "PUT",
                "path": f"{self._at}/members/{_hash(recipient.email)}",
                "params": {"skip_merge_validation": "true"},
                "operation_id": recipient.contact_key,
                "body": json.dumps({
                    "email_address": recipient.email.reveal(), "status_if_new": "subscribed",
                    "merge_fields": _merge_fields(recipient),
                }),
            }
            for recipient in audience
        ]  # fmt: skip
        # In the same batch and not by a call once it is over: by then somebody may have withdrawn.
        placing = {"members_to_add": [recipient.email.reveal() for recipient in audience]}
        operations.append({
            "method": "POST", "path": self._segment(""), "operation_id": PLACING, "body": json.dumps(placing),
        })  # fmt: skip
        answer = self._wire.call("POST", "/batches", body={"operations": operations})
        return (
            Job(str(json_object(answer, "mailchimp")["id"]))
            if answer.is_success
            else Results(refused_whole=code(answer, "title"))
        )

    def poll(self, job: Job) -> Answer:
        answer = self._wire.call("GET", f"/batches/{job.job_id}")
        if not answer.is_success:
            return Results(refused_whole=code(answer, "title"))
        batch = json_object(answer, "mailchimp")
        if batch.get("status") != "finished":
            return Job(job.job_id)
        told = list(_results(self._files.call("GET", batch["response_body_url"]).content))
        if len(told) != batch["total_operations"]:
            return Results(refused_whole=f"{len(told)} results of {batch['total_operations']} operations")
        bodies = {one["operation_id"]: (int(one["status_code"]), json.loads(one["response"] or "{}")) for one in told}
        failed = [_problem(*found) for found in bodies.values() if found[0] == 429 or found[0] >= 500]
        placing = bodies.pop(PLACING, (404, {}))
        if failed or placing[0] >= 400:  # no fault of a record: the batch is told again
            return Results(refused_whole=(failed or [_problem(*placing)])[0])
        refused = {
            key: _problem(status, member) for key, (status, member) in bodies.items() if _is_refused(status, member)
        }
        written = {key: member for key, (_, member) in bodies.items() if key not in refused}
        placed = {member["id"] for member in placing[1].get("members_added", [])}
        if not all(member["id"] in placed or _is_managed(member) for member in written.values()):
            return Results(refused_whole="not on the base list")  # it was done first, before they were members
        return Results(
            [Refusal(Shown(contact_key=key), reason) for key, reason in refused.items()],
            ids={key: str(member["contact_id"]) for key, member in written.items()},
        )

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        answer = self._change(list_name, {"members_to_add": [r.email.reveal() for r in audience]})
        if not answer.is_success:
            return Results(refused_whole=code(answer, "title"))
        added = {member["id"] for member in json_object(answer, "mailchimp").get("members_added", [])}
        rest = [r for r in audience if _hash(r.email) not in added]  # there already, or ignored without a word
        reasons = [(r, self._absence(_hash(r.email))) for r in rest]
        return Results([Refusal(Shown(contact_key=r.contact_key), reason) for r, reason in reasons if reason])

    def _absence(self, who: str) -> str:
        """Why somebody cannot be on a segment; empty when they can."""
        answer = self._wire.call("GET", f"{self._at}/members/{who}", query={"fields": "status"})
        if not answer.is_success:
            return code(answer, "title")
        return "archived" if json_object(answer, "mailchimp").get("status") == "archived" else ""

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        if self._number(list_name) is None:
            return Results()
        found = (self._address(leaver) for leaver in leavers)
        if not (addresses := [one for one in found if one]):
            return Results()
        answer = self._change(list_name, {"members_to_remove": addresses})
        return Results() if answer.is_success else Results(refused_whole=code(answer, "title"))

    def erase(self, people: Sequence[Leaver]) -> Answer:
        """Deletes for ever: Mailchimp will never take these addresses from an import again."""
        refused = []
        for one in people:
            if not (address := self._address(one)):
                continue
            path = f"{self._at}/members/{_hash(Personal(address))}/actions/delete-permanent"
            answer = self._wire.call("POST", path)
            if not answer.is_success and answer.status_code != 404:
                refused.append(Refusal(Shown(contact_key=one.contact_key), code(answer, "title")))
        return Results(refused)

    def _address(self, leaver: Leaver) -> str:
        """The address a contact has there; empty when it is not there. Without one of ours, Mailchimp is asked."""
        if leaver.email is not None:
            return leaver.email.reveal()
        answer = self._wire.call("GET", f"{self._at}/members/{leaver.platform_id}", query={"fields": "email_address"})
        return str(json_object(answer, "mailchimp")["email_address"]) if answer.is_success else ""

    def _change(self, list_name: str, change: dict[str, list[str]]) -> httpx.Response:
        return self._wire.call("POST", self._segment(list_name), body=change)

    def _segment(self, list_name: str) -> str:
        if (number := self._number(list_name)) is None:
            raise DestinationRefused(f"mailchimp: no segment {_name(list_name)!r}, expected what ensure_schema makes")
        return f"{self._at}/segments/{number}"

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _pages(self, path: str, rows: str, asked: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            answer = self._wire.call("GET", path, query={**asked, "count": PAGE, "offset": offset})
            if not answer.is_success:
                raise DestinationRefused(f"mailchimp: {path}: {code(answer, 'title')}")
            found = json_object(answer, "mailchimp").get(rows)
            if not isinstance(found, list):
                raise DestinationUnavailable(f"mailchimp: {path}: an answer without {rows!r}")
            yield from found
            if len(found) < PAGE:
                return
            offset += PAGE


DESTINATION = Mailchimp


def _audience(connection: Connection) -> str:
    """The audience to write to; the only one that is read from, where the source of the same connection names one."""
    if found := connection.extra.get("audience"):
        return str(found)
    read = [name.strip() for name in str(connection.extra.get("audiences") or "").split(",") if name.strip()]
    if len(read) != 1:
        raise SettingsError(
            f"connection {connection.name!r}: no 'audience' in its extra, expected the id of one audience"
        )
    return read[0]


def _name(list_name: str) -> str:
    return f"{BASE_LIST}/{list_name}" if list_name else BASE_LIST


def _hash(email: Personal) -> str:
    """How Mailchimp names a member in a path."""
    return hashlib.md5(email.reveal().lower().encode(), usedforsecurity=False).hexdigest()


def _merge_fields(recipient: Recipient) -> dict[str, str]:
    """Every field; a text that is not known is emptied."""
    texts = (recipient.first_name, recipient.last_name)
    flags = (recipient.open_tracking, recipient.click_tracking)
    values = [v.reveal() if v is not None else "" for v in texts] + [YES if v else NO for v in flags]
    return dict(zip(TAGS.values(), values, strict=True))


def _attributes_in(merge_fields: Mapping[str, Any]) -> dict[str, Personal | bool]:
    shown: dict[str, Personal | bool] = {a: Personal(str(v)) for a in TEXTS if (v := merge_fields.get(TAGS[a]))}
    return shown | {a: v == YES for a in FLAGS if (v := merge_fields.get(TAGS[a]))}


def _fields(*more: str) -> str:
    return ",".join(f"members.{n}" for n in ("email_address", "contact_id", "status", "last_changed", *more))


def _shown(member: Mapping[str, Any]) -> Shown:
    return Shown(email=Personal(member["email_address"]), platform_id=str(member["contact_id"]))


def _reason(member: Mapping[str, Any]) -> str:
    """A complaint unsubscribes, and says so in the reason only."""
    if member["status"] == "cleaned":
        return "hard_bounce"
    said = str(member.get("unsubscribe_reason") or "").lower()
    return "complaint" if any(word in said for word in ("spam", "abuse", "complaint")) else "unsubscribe"


def _results(archive: bytes) -> Iterator[dict[str, Any]]:
    """What became of each operation: the archive is a gzipped tar of JSON files, each an array of results."""
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
            for entry in tar:
                if entry.isfile() and (file := tar.extractfile(entry)):
                    yield from json.load(file)
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise DestinationUnavailable(f"mailchimp: an archive that cannot be read ({type(error).__name__})") from None


def _problem(status: int, told: Mapping[str, Any]) -> str:
    """Status and Mailchimp's title of the problem, or the status of a member who cannot be written any more."""
    return f"{status} {told['title']}" if told.get("title") else str(told.get("status") or status)


def _is_refused(status: int, member: Mapping[str, Any]) -> bool:
    """An archived member is written and stays archived: out of sight, and of every segment."""
    return status >= 400 or member.get("status") == "archived"


def _is_managed(member: Mapping[str, Any]) -> bool:
    """Whether somebody was on the base list when they were written."""
    return int(member.get("tags_count", 0)) > MOST_TAGS or BASE_LIST in {tag["name"] for tag in member.get("tags", [])}


def _is_throttled(answer: httpx.Response) -> bool:
    """A refusal says in JSON what is wrong; a 403 without it means too many requests."""
    is_json = "json" in answer.headers.get("content-type", "")
    return answer.status_code == 429 or (answer.status_code == 403 and not is_json)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
