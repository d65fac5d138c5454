"""HubSpot, through its dated endpoints of 2026-09 (developers.hubspot.com, seen 2026-11-22; v1 to v3 end in September 2027).

Everybody we manage is on the manual list `audience`, each segment is the manual list `audience/<segment>`; a list's name is
taken once in an account, and what is named otherwise belongs to somebody else. Lists hold record ids: the answer to an
upsert tells them, and a contact whose id is not known is looked up by its address.

Subscription statuses and the properties that show them (`hs_email_...`) are read and never written: HubSpot keeps them with
the address, and an upsert leaves them alone. Whom somebody deletes for GDPR there becomes a dead letter: HubSpot takes the
address from nobody any more, and so it is after an erasure of ours.

The key needs the scopes `crm.objects.contacts`, `crm.lists` and `crm.schemas.contacts`, each with `read` and `write`.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx

from audience.activation.answers import explanation, json_object
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
from audience.core.errors import DestinationRefused, DestinationUnavailable
from audience.core.masked import Personal
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, Recipient, SendableAudience

BASE_LIST = "audience"

CONTACTS, LISTS, PROPERTIES = "/crm/objects/2026-09/contacts", "/crm/lists/2026-09", "/crm/properties/2026-09/contacts"

PER_BATCH = 100
"""Inputs of one batch call, at most."""

PER_LIST_CALL = 500
"""Contacts that one call puts on a list or takes off it. HubSpot allows more; whose id is not known is looked up first."""

FOUND, SHOWN, LISTED = 200, 200, 500
"""Results per page: of a search and of the lists, at most; of a list's members (250 at most) two batches to read."""

REQUESTS_PER_SECOND = 19.0
"""190 calls in ten seconds with Professional and Enterprise. Free and Starter: 10 a second, in the extra
`requests_per_second`."""

BETWEEN_SEARCHES_SECONDS = 0.25
"""Five searches a second are allowed to the whole account."""

NAMES = dict(
    zip(TEXTS + FLAGS, ("firstname", "lastname", "audience_open_tracking", "audience_click_tracking"), strict=True)
)
"""Attribute -> property."""

OPTED_OUT, BOUNCED, INELIGIBLE = "hs_email_optout", "hs_email_hard_bounce_reason_enum", "hs_email_is_ineligible"
"""Properties of people whom no marketing mail may reach: opted out of all of it, bounced for good, kept from it by HubSpot
(complaints among others). Who opted out of one subscription type has `hs_email_optout_<its number>`."""


class HubSpot:
    """One HubSpot account.

    Args:
        connection: `password` the token (a service key); `url` only for another address than https://api.hubapi.com;
            `subscription_id` of the extra the subscription type whose opt-outs count.
        clock: seconds, for pacing.
    """

    name = "hubspot"
    capabilities = Capabilities(
        upsert_batch=PER_BATCH, add_batch=PER_LIST_CALL, remove_batch=PER_LIST_CALL, base_list=BASE_LIST,
        engagement="hubspot",
    )  # fmt: skip
    settings: ClassVar[Mapping[str, str]] = {
        "subscription_id": "Number of the subscription type of marketing e-mail; who opts out of it is suppressed.",
        "requests_per_second": "Calls a second that your plan allows: 19, or 10 with Free and Starter.",
    }

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection, clock
        self.per_second = float(connection.extra.get("requests_per_second", REQUESTS_PER_SECOND))

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        token = self._connection.password.reveal()
        url = self._connection.at("https://api.hubapi.com").url
        opted_out_of_type = f"{OPTED_OUT}_{self._connection.setting('subscription_id')}"
        with httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS, verify=trusted()
        ) as api:
            wire = Wire(self.name, api, calls, per_second=self.per_second, turns=self._connection.turns, scope=_scope,
                        rest_seconds=_rest_seconds, is_throttled=_is_throttled, clock=self._clock)  # fmt: skip
            yield _Account(wire, opted_out_of_type)


class _Account:
    """An open account: what `Platform` promises, in HubSpot's calls."""

    def __init__(self, wire: Wire, opted_out_of_type: str) -> None:
        self._wire, self._opted_out_of_type = wire, opted_out_of_type
        self._lists: dict[str, str] = {}

    # -- reading -----------------------------------------------------------------------------------------------------

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """A page is asked for by the id it begins after: no contact that changes meanwhile moves another to a page that
        was read, and a search's 10,000 results are never reached. What a search misses, being some seconds late, is read
        again by the next one."""
        changed = [] if since is None else [_filter("lastmodifieddate", "GTE", str(int(since.timestamp() * 1000)))]
        signs = [_filter(name, "EQ", "true") for name in (OPTED_OUT, self._opted_out_of_type, INELIGIBLE)]
        signs.append(_filter(BOUNCED, "HAS_PROPERTY"))
        last = "0"
        while True:
            behind = _filter("hs_object_id", "GT", last)
            body = {
                "filterGroups": [{"filters": [sign, behind, *changed]} for sign in signs],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": self._read_properties(),
                "limit": FOUND,
            }
            contacts = self._rows(self._wire.call("POST", f"{CONTACTS}/search", body=body), "results", "search")
            for contact in contacts:
                if contact["properties"].get("email"):
                    yield OptOut(_shown(contact), self._reason(contact), _changed_at(contact))
            if len(contacts) < FOUND:
                return
            last = contacts[-1]["id"]
            self._wire.pause(BETWEEN_SEARCHES_SECONDS)

    def read_back(self, list_name: str) -> Iterator[Listed]:
        if (number := self._number(list_name)) is None:
            return
        after: dict[str, str] = {}
        while True:
            path = f"{LISTS}/{number}/memberships"
            answer = self._wire.call("GET", path, query={"limit": SHOWN, **after})
            members = [row["recordId"] for row in self._rows(answer, "results", path)]
            for contact in self._records([{"id": str(one)} for one in members], None):
                out = _changed_at(contact) if self._reason(contact) else None
                yield Listed(_shown(contact), out, _attributes_in(contact["properties"]))
            following = (json_object(answer, "hubspot").get("paging") or {}).get("next")
            if not following:
                return
            after = {"after": str(following["after"])}

    def _reason(self, contact: Mapping[str, Any]) -> str:
        """Why no mail may reach a contact; empty when it may."""
        has = contact["properties"]
        if has.get(BOUNCED):
            return "hard_bounce"
        if "true" in (has.get(OPTED_OUT), has.get(self._opted_out_of_type)):
            return "unsubscribe"
        return "blocklist" if has.get(INELIGIBLE) == "true" else ""

    def _read_properties(self) -> list[str]:
        signs = (OPTED_OUT, self._opted_out_of_type, INELIGIBLE, BOUNCED)
        return ["email", "hs_additional_emails", "lastmodifieddate", *NAMES.values(), *signs]

    def _records(self, inputs: Sequence[Mapping[str, str]], id_property: str | None) -> Iterator[dict[str, Any]]:
        """Contacts by id or address; those that are not there are left out."""
        by = {"idProperty": id_property} if id_property else {}
        for start in range(0, len(inputs), PER_BATCH):
            body = {"inputs": inputs[start : start + PER_BATCH], "properties": self._read_properties(), **by}
            yield from self._rows(self._wire.call("POST", f"{CONTACTS}/batch/read", body=body), "results", "batch/read")

    # -- schema --------------------------------------------------------------------------------------------------------

    def ensure_schema(self, lists: Collection[str]) -> None:
        known = self._properties()
        for attribute in FLAGS:
            if NAMES[attribute] not in known:
                self._make(PROPERTIES, _flag(attribute), lambda a=attribute: NAMES[a] in self._properties())  # type: ignore[misc]
        self._find_lists()
        for name in ["", *lists]:
            if _name(name) not in self._lists:
                one = {"name": _name(name), "objectTypeId": "0-1", "processingType": "MANUAL"}
                self._make(LISTS, one, lambda name=name: _name(name) in self._find_lists())  # type: ignore[misc]
        self._find_lists()

    def _properties(self) -> set[str]:
        return {one["name"] for one in self._rows(self._wire.call("GET", PROPERTIES), "results", PROPERTIES)}

    def _find_lists(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        more, offset = True, 0
        while more:
            body = {"query": BASE_LIST, "processingTypes": ["MANUAL"], "count": LISTED, "offset": offset}
            answer = self._wire.call("POST", f"{LISTS}/search", body=body)
            rows = self._rows(answer, "lists", f"{LISTS}/search")
            found |= {one["name"]: str(one["listId"]) for one in rows}
            more, offset = bool(json_object(answer, "hubspot").get("hasMore")), offset + LISTED
        self._lists = found
        return found

    def _number(self, list_name: str) -> str | None:
        return (self._lists or self._find_lists()).get(_name(list_name))

    def _make(self, path: str, body: Mapping[str, Any], is_there: Callable[[], bool]) -> None:
        """Makes something that has a name of its own. When that is refused it may be there: the answer to an earlier
        try was lost, or somebody was faster."""
        answer = self._wire.call("POST", path, body=body)
        if not answer.is_success and not is_there():
            raise DestinationRefused(f"hubspot: {path}: {_code(answer)}")

    # -- writing -------------------------------------------------------------------------------------------------------

    def upsert(self, audience: SendableAudience) -> Answer:
        """A trace on every input makes HubSpot write the good records and name the bad ones, in a 207."""
        inputs = [
            {
                "id": r.email.reveal(),
                "idProperty": "email",
                "objectWriteTraceId": r.contact_key,
                "properties": _values(r),
            }
            for r in audience
        ]
        answer = self._wire.call("POST", f"{CONTACTS}/batch/upsert", body={"inputs": inputs})
        if not answer.is_success:
            return Results(refused_whole=_code(answer))
        told = json_object(answer, "hubspot")
        by_email = {r.email.reveal(): r.contact_key for r in audience}
        ids = {_key(one, by_email): str(one["id"]) for one in told.get("results", [])}
        reasons = {trace: _reason_of(e) for e in told.get("errors", []) for trace in _traces(e)}
        refused = {
            r.contact_key: reasons.get(r.contact_key, "not written") for r in audience if r.contact_key not in ids
        }
        if ids:
            placed = self._change("", add=list(ids.values()))
            if not placed.is_success:
                return Results(refused_whole=_code(placed))
            missing = _missing(placed)
            refused |= {key: "no such record" for key, one in ids.items() if one in missing}
        return Results([Refusal(Shown(contact_key=key), reason) for key, reason in refused.items()], ids=ids)

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        """An id that HubSpot does not know any more (the contact was merged, say) is looked up by its address again."""
        ids = {r.contact_key: r.platform_id for r in audience if r.platform_id}
        found = self._look_up([r for r in audience if r.contact_key not in ids])
        answer = self._change(list_name, add=[*ids.values(), *found.values()])
        if answer.is_success and (stale := [r for r in audience if ids.get(r.contact_key) in _missing(answer)]):
            found |= self._look_up(stale)
            answer = self._change(list_name, add=[found[r.contact_key] for r in stale if r.contact_key in found])
        if not answer.is_success:
            return Results(refused_whole=_code(answer))
        known, missing = ids | found, _missing(answer)
        absent = [r for r in audience if known.get(r.contact_key, "") in ("", *missing)]
        return Results([Refusal(Shown(contact_key=r.contact_key), "no such record") for r in absent], ids=found)

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        if self._number(list_name) is None:
            return Results()
        ids = [v.platform_id for v in leavers if v.platform_id]
        ids += self._look_up([v for v in leavers if not v.platform_id]).values()
        if not ids:
            return Results()
        answer = self._change(list_name, remove=ids)
        return Results() if answer.is_success else Results(refused_whole=_code(answer))

    def erase(self, people: Sequence[Leaver]) -> Answer:
        """Deletes for GDPR: HubSpot will never take these addresses again, known or not."""
        refused = []
        for one in people:
            who = {"objectId": one.platform_id}
            if one.email is not None:
                who = {"objectId": one.email.reveal(), "idProperty": "email"}
            answer = self._wire.call("POST", f"{CONTACTS}/gdpr-delete", body=who)
            if not answer.is_success and answer.status_code != 404:
                refused.append(Refusal(Shown(contact_key=one.contact_key), _code(answer)))
        return Results(refused)

    def poll(self, job: Job) -> Answer:
        raise DestinationRefused(f"hubspot: job {job.job_id!r}, expected none: HubSpot does everything at once")

    def _look_up(self, people: Sequence[Recipient | Leaver]) -> dict[str, str]:
        """Contact key -> record id, for those whom HubSpot knows by their address, first or additional."""
        keys = {one.email.reveal(): one.contact_key for one in people if one.email is not None}
        found = {}
        for contact in self._records([{"id": email} for email in keys], "email"):
            has = contact["properties"]
            for email in (has.get("email"), *(has.get("hs_additional_emails") or "").split(";")):
                if email and email.lower() in keys:
                    found[keys[email.lower()]] = str(contact["id"])
        return found

    def _change(self, list_name: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> httpx.Response:
        if (number := self._number(list_name)) is None:
            raise DestinationRefused(f"hubspot: no list {_name(list_name)!r}, expected what ensure_schema makes")
        body = {"recordIdsToAdd": list(add), "recordIdsToRemove": list(remove)}
        return self._wire.call("PUT", f"{LISTS}/{number}/memberships/add-and-remove", body=body)

    # -- answers -------------------------------------------------------------------------------------------------------

    def _rows(self, answer: httpx.Response, rows: str, path: str) -> list[dict[str, Any]]:
        if not answer.is_success:
            raise DestinationRefused(f"hubspot: {path}: {_code(answer)}")
        found = json_object(answer, "hubspot").get(rows)
        if not isinstance(found, list):
            raise DestinationUnavailable(f"hubspot: {path}: an answer without {rows!r}")
        return found


DESTINATION = HubSpot


def _name(list_name: str) -> str:
    return f"{BASE_LIST}/{list_name}" if list_name else BASE_LIST


def _filter(name: str, operator: str, value: str | None = None) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, **({} if value is None else {"value": value})}


def _flag(attribute: str) -> dict[str, Any]:
    options = [{"label": label, "value": value, "displayOrder": n} for n, (label, value) in enumerate(
        (("Yes", "true"), ("No", "false")))]  # fmt: skip
    return {"name": NAMES[attribute], "label": attribute.replace("_", " ").title(), "type": "bool",
            "fieldType": "booleancheckbox", "groupName": "contactinformation", "options": options}  # fmt: skip


def _values(recipient: Recipient) -> dict[str, str]:
    """Every property, as text; one that is not known is emptied."""
    texts = (recipient.first_name, recipient.last_name)
    flags = (recipient.open_tracking, recipient.click_tracking)
    values = [v.reveal() if v is not None else "" for v in texts] + ["true" if v else "false" for v in flags]
    return dict(zip(NAMES.values(), values, strict=True))


def _attributes_in(properties: Mapping[str, Any]) -> dict[str, Personal | bool]:
    shown: dict[str, Personal | bool] = {a: Personal(str(v)) for a in TEXTS if (v := properties.get(NAMES[a]))}
    return shown | {a: v == "true" for a in FLAGS if (v := properties.get(NAMES[a]))}


def _shown(contact: Mapping[str, Any]) -> Shown:
    email = contact["properties"].get("email")
    return Shown(email=Personal(email) if email else None, platform_id=str(contact["id"]))


def _changed_at(contact: Mapping[str, Any]) -> datetime:
    """An opt-out has no time of its own: it takes that of the contact's last change."""
    return datetime.fromisoformat(contact["properties"]["lastmodifieddate"]).astimezone(UTC)


def _key(one: Mapping[str, Any], by_email: Mapping[str, str]) -> str:
    """The contact that a result is about: by its trace, or by its address where the trace does not come back."""
    return str(one.get("objectWriteTraceId") or by_email.get(str(one["properties"].get("email")).lower(), ""))


def _traces(error: Mapping[str, Any]) -> list[str]:
    return list((error.get("context") or {}).get("objectWriteTraceId") or [])


def _reason_of(error: Mapping[str, Any]) -> str:
    """Category and subcategory; the message is left out, for it may quote an address."""
    return " ".join(str(error[name]) for name in ("category", "subCategory") if isinstance(error.get(name), str))


def _missing(answer: httpx.Response) -> set[str]:
    return {str(one) for one in json_object(answer, "hubspot").get("recordIdsMissing") or []}


def _scope(path: str) -> str:
    return "search" if path.endswith("/search") else "other"


def _is_throttled(answer: httpx.Response) -> bool:
    """423: the record is being written by somebody else, for two seconds at most."""
    return answer.status_code in (423, 429)


def _rest_seconds(answer: httpx.Response) -> float | None:
    """HubSpot says which limit was reached and how long its window is, not when it ends."""
    window = float(answer.headers.get("x-hubspot-ratelimit-interval-milliseconds", 10_000)) / 1000
    if answer.status_code == 423:
        return 2.0
    if answer.status_code == 429:
        if (policy := _policy(answer)) == "DAILY":
            raise DestinationUnavailable("hubspot: the account's calls of the day are used up, expected some left")
        return 1.0 if policy == "SECONDLY" else window
    return window if answer.headers.get("x-hubspot-ratelimit-remaining") == "0" else None


def _policy(answer: httpx.Response) -> str:
    """Which limit was reached: SECONDLY (searches), TEN_SECONDLY_ROLLING or DAILY."""
    try:
        return str(answer.json().get("policyName", ""))
    except (ValueError, AttributeError):
        return ""


def _code(answer: httpx.Response) -> str:
    return f"{answer.status_code} {_reason_of(explanation(answer))}".strip()
