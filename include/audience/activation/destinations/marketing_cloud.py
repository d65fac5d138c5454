"""Salesforce Marketing Cloud Engagement (developer.salesforce.com/docs/marketing/marketing-cloud, seen 2026-11-22).

A list is a sendable data extension: `audience` of everybody we manage, `audience_<segment>` of each segment. Its rows are
told by `SubscriberKey`, which is our contact key: pseudonymous, stable, and what a contact deletion asks for. Rows are
upserted by REST, asynchronously, and read and deleted by SOAP, for REST has neither.

All Subscribers, which says who may be mailed, is read and never written: the platform itself makes a subscriber at the first
send, and a row of a data extension changes nobody's status. So whoever opted out there stays opted out, whatever we send.

The results of an upsert do not say which row they are about: a request with errors is refused as a whole, and cut in two.
The installed package needs: data extensions read and write, list and subscribers read, audiences read and write (contact
deletion), tracking events read.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

import httpx

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
from audience.activation.salesforce import rows, soap
from audience.activation.salesforce.answers import code_of, json_of, rest_seconds, safe, said_in, text_in
from audience.activation.salesforce.signing import Token, at
from audience.activation.wire import TIMEOUT_SECONDS, Wire, trusted
from audience.core.connection import Connection
from audience.core.errors import DestinationRefused
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Leaver, SendableAudience

REQUESTS_PER_SECOND = 10.0
"""Marketing Cloud publishes no limit: it throttles an account that slows it down (guide: rate limiting)."""

AT_ONCE = 500
"""Values that one filter names."""

DELETION = "deletion-"
"""Before the number of a contact deletion, so that its job is told from an upsert's."""

DELETION_SECONDS = 30.0
"""A deletion takes up to hours, and only one is worked on at a time."""

DONE = ("Complete", "Completed")
"""Of a request; the reference says the one in its example and the other in its table."""

LEFT = ("Unsubscribed", "Held")
"""Statuses of All Subscribers that no mail reaches; `Bounced` ones are still tried."""


class MarketingCloud:
    """One business unit.

    Args:
        connection: `url` the SOAP base URI of the installed package, such as https://mc-sub.soap.marketingcloudapis.com
            (REST and token addresses follow from it; any other URL serves all three), `login` its client id, `password`
            its client secret.
        clock: seconds, for pacing.
    """

    name = "marketing_cloud"
    capabilities = Capabilities(
        upsert_batch=5_000,  # 4.7 MB at worst: the synchronous call takes 5 MB, nothing is said of the asynchronous one
        add_batch=5_000,
        remove_batch=500,
        base_list=rows.BASE_LIST,
        jobs_at_once=4,
        knows_by_key=True,
        engagement="marketing_cloud",
        list_name_length=91,
    )
    settings: ClassVar[Mapping[str, str]] = {
        "account_id": "Number (MID) of the business unit; without it the one of the package.",
        "requests_per_second": "Calls a second; Marketing Cloud publishes no limit, 10 unless this says otherwise.",
    }

    def __init__(self, connection: Connection, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._connection, self._clock = connection.at(""), clock
        self.per_second = float(connection.extra.get("requests_per_second", REQUESTS_PER_SECOND))

    @contextmanager
    def open(self, calls: Calls) -> Iterator[Platform]:
        token = Token(self._connection)
        with httpx.Client(auth=token, timeout=TIMEOUT_SECONDS, verify=trusted()) as client:
            wire = Wire(
                self.name,
                client,
                calls,
                per_second=self.per_second,
                turns=self._connection.turns,
                rest_seconds=rest_seconds,
                clock=self._clock,
            )
            yield _Unit(wire, at(self._connection.url, "rest"), at(self._connection.url, "soap"))


class _Unit:
    """An open business unit: what `Platform` promises, in Marketing Cloud's calls."""

    def __init__(self, wire: Wire, rest: str, service: str) -> None:
        self._wire, self._rest, self._service = wire, rest, f"{service}/Service.asmx"

    # -- reading ---------------------------------------------------------------------------------------------------

    def pull_opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """From All Subscribers, or since an instant from its history; and who left one publication list, as if all."""
        yield from self._left_everything() if since is None else self._left_since(since)
        wanted = soap.among("Status", ["Unsubscribed"])
        if since is not None:
            wanted = soap.both(wanted, soap.since("ModifiedDate", since))
        for page in self._pages("ListSubscriber", ("SubscriberKey", "ModifiedDate"), wanted):
            yield from self._named((r["SubscriberKey"], "unsubscribe", r["ModifiedDate"]) for r in page)

    def _left_everything(self) -> Iterator[OptOut]:
        properties = ("EmailAddress", "Status", "CreatedDate", "UnsubscribedDate")
        for page in self._pages("Subscriber", properties, soap.among("Status", LEFT)):
            for one in page:
                reason = "hard_bounce" if one["Status"] == "Held" else "unsubscribe"
                moment = one.get("UnsubscribedDate") or one["CreatedDate"]  # nobody is held for longer than they exist
                yield OptOut(rows.addressed(one), reason, soap.instant(moment))

    def _left_since(self, since: datetime) -> Iterator[OptOut]:
        wanted = soap.both(soap.among("CurrentStatus", ("Unsub", "Held")), soap.since("CreatedDate", since))
        properties = ("SubscriberKey", "CurrentStatus", "ReasonUnsub", "CreatedDate")
        for page in self._pages("SubscriberStatusEvent", properties, wanted):
            yield from self._named((r["SubscriberKey"], rows.reason_of(r), r["CreatedDate"]) for r in page)

    def _named(self, events: Iterable[tuple[str, str, str]]) -> Iterator[OptOut]:
        """Opt-outs of (subscriber key, reason, date), with the addresses that All Subscribers has for the keys."""
        left = iter(events)
        while some := list(islice(left, AT_ONCE)):
            wanted = soap.among("SubscriberKey", sorted({key for key, _, _ in some}))
            people = {
                one["SubscriberKey"]: one
                for page in self._pages("Subscriber", ("SubscriberKey", "EmailAddress"), wanted)
                for one in page
            }
            for key, reason, moment in some:
                yield OptOut(rows.addressed(people.get(key, {"SubscriberKey": key})), reason, soap.instant(moment))

    def read_back(self, list_name: str) -> Iterator[Listed]:
        key = rows.key_of(list_name)
        if key not in self._extensions([key]):
            return
        columns = ("SubscriberKey", "EmailAddress", *(() if list_name else (*TEXTS, *FLAGS)))
        for page in self._pages(f"{soap.ROW}[{key}]", columns):
            out = self._out_among([r["EmailAddress"] for r in page if "EmailAddress" in r])
            for row in page:
                moment = out.get(row.get("EmailAddress", "").lower())
                yield Listed(rows.addressed(row), moment, None if list_name else rows.attributes_in(row))

    def _out_among(self, emails: Sequence[str]) -> dict[str, datetime]:
        """Address -> when it opted out, of those that All Subscribers has as unreachable, whatever their key there."""
        found = {}
        properties = ("EmailAddress", "CreatedDate", "UnsubscribedDate")
        for some in _parts(emails):
            wanted = soap.both(soap.among("EmailAddress", some), soap.among("Status", LEFT))
            for page in self._pages("Subscriber", properties, wanted):
                for one in page:
                    moment = one.get("UnsubscribedDate") or one["CreatedDate"]
                    found[one["EmailAddress"].lower()] = soap.instant(moment)
        return found

    # -- schema ------------------------------------------------------------------------------------------------------

    def ensure_schema(self, lists: Collection[str]) -> None:
        wanted = {rows.key_of(name): name for name in ("", *sorted(lists))}
        there = self._extensions(list(wanted))
        for key, list_name in wanted.items():
            if key not in there:
                fields = rows.FIELDS if list_name else rows.FIELDS + "".join(rows.ATTRIBUTES.values())
                name = f"{rows.BASE_LIST}_{list_name}" if list_name else rows.BASE_LIST
                self._make(soap.create([soap.extension(key, fields, name=name)]), key)
        if rows.BASE_LIST in there:
            wanted_of = soap.among("DataExtension.CustomerKey", [rows.BASE_LIST])
            known = {r.get("Name") for page in self._pages("DataExtensionField", ("Name",), wanted_of) for r in page}
            if missing := [field for name, field in rows.ATTRIBUTES.items() if name not in known]:
                self._make(soap.update([soap.extension(rows.BASE_LIST, "".join(missing))]), rows.BASE_LIST)

    def _extensions(self, keys: Sequence[str]) -> set[str]:
        """Which of these data extensions there are."""
        return {
            row["CustomerKey"]
            for some in _parts(keys)
            for page in self._pages("DataExtension", ("CustomerKey",), soap.among("CustomerKey", some))
            for row in page
        }

    def _make(self, envelope: bytes, key: str) -> None:
        for result in self._ask(envelope).rows:
            if result.get("StatusCode") != "OK":
                raise DestinationRefused(f"marketing_cloud: data extension {key}: {rows.error_of(result)}")

    # -- writing -----------------------------------------------------------------------------------------------------

    def upsert(self, audience: SendableAudience) -> Answer:
        return self._send("", [rows.row(r) | rows.attributes(r) for r in audience])

    def add(self, list_name: str, audience: SendableAudience) -> Answer:
        return self._send(list_name, [rows.row(r) for r in audience])

    def _send(self, list_name: str, items: list[dict[str, Any]]) -> Answer:
        path = f"/data/v1/async/dataextensions/key:{rows.key_of(list_name)}/rows"
        answer = self._wire.call("PUT", self._rest + path, body={"items": items})
        if answer.is_success:
            return Job(text_in(json_of(answer), "requestId", "RequestId"))
        if (code := code_of(answer)) == "400 CustomObjectNotFound":
            raise DestinationRefused(
                f"marketing_cloud: data extension {rows.key_of(list_name)} is gone while it is written"
            )
        return Results(refused_whole=code)

    def remove(self, list_name: str, leavers: Sequence[Leaver]) -> Answer:
        """A row that is not there is an error like any other: what is still there afterwards was refused."""
        key = rows.key_of(list_name)
        if key not in self._extensions([key]):
            return Results()
        reply = self._ask(soap.delete(soap.row(key, _name(v)) for v in leavers))
        if len(reply.rows) != len(leavers):
            return Results(refused_whole=safe(reply.status.partition(":")[0]) or "refused")
        failed = {_name(v): (v, r) for v, r in zip(leavers, reply.rows, strict=True) if r.get("StatusCode") != "OK"}
        if not failed:
            return Results()
        left = self._pages(f"{soap.ROW}[{key}]", ("SubscriberKey",), soap.among("SubscriberKey", sorted(failed)))
        still = {row["SubscriberKey"] for page in left for row in page}
        refused = [(v, r) for name, (v, r) in failed.items() if name in still]
        return Results([Refusal(Shown(v.told_as), rows.error_of(r)) for v, r in refused])

    def poll(self, job: Job) -> Answer:
        if job.job_id.startswith(DELETION):
            return self._poll_deletion(job)
        found = json_of(self._wire.call("GET", f"{self._rest}/data/v1/async/{job.job_id}/status"))
        status = found.get("status")
        if not isinstance(status, dict):
            return Results(refused_whole=said_in(found) or "a status that says nothing")
        if status.get("requestStatus") == "Pending":
            return job
        if status.get("requestStatus") in DONE and status.get("hasErrors") is False:
            return Results()
        results = json_of(self._wire.call("GET", f"{self._rest}/data/v1/async/{job.job_id}/results"))
        codes = [safe(item.get("errorCode")) for item in results.get("items") or () if isinstance(item, dict)]
        return Results(refused_whole=next(filter(None, codes), "request failed"))

    # -- erasing -----------------------------------------------------------------------------------------------------

    def erase(self, people: Sequence[Leaver]) -> Answer:
        """Takes the rows out of every data extension of ours, then deletes the contacts: that of our key, and any other
        that has the same address. A deletion is done when its first phase is: from then on nothing can be sent to the
        contact, and what is left goes by itself after the days that the account has set for it."""
        keys = {_name(v) for v in people if _name(v)}
        emails = sorted({v.email.reveal() for v in people if v.email is not None})
        for some in _parts(emails):
            wanted = soap.among("EmailAddress", some)
            keys |= {r["SubscriberKey"] for page in self._pages("Subscriber", ("SubscriberKey",), wanted) for r in page}
        if not keys:
            return Results()
        for page in self._pages("DataExtension", ("CustomerKey",)):
            for extension in [r["CustomerKey"] for r in page if rows.is_ours(r["CustomerKey"])]:
                for some in _parts(sorted(keys)):
                    self._ask(soap.delete(soap.row(extension, key) for key in some))
        body = {"values": sorted(keys), "DeleteOperationType": "ContactAndAttributes"}
        path = "/contacts/v1/contacts/actions/delete"
        answer = self._wire.call("POST", self._rest + path, body=body, query={"type": "keys"})
        if not answer.is_success:
            return Results(refused_whole=code_of(answer))
        found = json_of(answer)
        if found.get("operationInitiated") is not True:
            return Results(refused_whole=said_in(found) or "deletion not begun")
        return Job(f"{DELETION}{found.get('operationID')}", DELETION_SECONDS)

    def _poll_deletion(self, job: Job) -> Answer:
        path = "/contacts/v1/contacts/actions/delete/status"
        query = {"operationID": job.job_id.removeprefix(DELETION)}
        answer = self._wire.call("GET", self._rest + path, query=query)
        if not answer.is_success:
            return Results(refused_whole=code_of(answer))
        found = json_of(answer)
        operation, summary = found.get("operation") or {}, found.get("backgroundOperationsSummary") or ()
        states = {safe(one.get("backgroundOperationStatusID")) for one in summary if isinstance(one, dict)}
        if bad := (states | {safe(operation.get("status"))}) & {"Aborted", "Invalid", "Failed", "Cancelled"}:
            return Results(refused_whole=f"deletion {sorted(bad)[0]}")
        return Results() if operation.get("status") == "Completed" else Job(job.job_id, DELETION_SECONDS)

    # -- calls -------------------------------------------------------------------------------------------------------

    def _ask(self, envelope: bytes) -> soap.Reply:
        return soap.read(self._wire.call("POST", self._service, body=envelope).content)

    def _pages(self, kind: str, properties: Sequence[str], wanted: str = "") -> Iterator[Sequence[Mapping[str, str]]]:
        while True:
            reply = self._ask(soap.retrieve(kind, properties, wanted))
            if reply.status not in ("OK", "MoreDataAvailable"):
                found = safe(reply.status.partition(":")[0]) or "none"
                raise DestinationRefused(f"marketing_cloud: Retrieve {kind}: found status {found}, expected OK")
            yield reply.rows
            if reply.status == "OK":
                return
            wanted = soap.following(reply.request_id)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


DESTINATION = MarketingCloud


def _name(leaver: Leaver) -> str:
    """Of a row or contact there: our key, or what somebody else called it who put it there."""
    return leaver.told_as
