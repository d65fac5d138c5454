"""SOAP `Retrieve`: 2,500 rows, then `ContinueRequest`."""

from __future__ import annotations

import json
import operator
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sandbox.marketing_cloud.account import SERVER_TIME, Account, shown
from sandbox.marketing_cloud.node import Node

PAGE = 2500


class BadQuery(Exception):
    """What is asked for cannot be retrieved."""


@dataclass(frozen=True)
class Row:
    """One object of the answer; `in_properties`: its values come as named properties, and not as elements."""

    kind: str
    cells: Mapping[str, str]
    in_properties: bool = False


Test = Callable[[Mapping[str, str]], bool]


def retrieve(account: Account, asked: Node) -> tuple[list[Row], str]:
    """A page of rows, and the id under which the rest is continued; empty when there is no more."""
    if following := asked.text("ContinueRequest"):
        kept = account.row("select content from reading where id = ?", following)
        if kept is None:
            raise BadQuery("The request to continue is not known")
        rows = [Row(**one) for one in json.loads(kept["content"])]
    else:
        rows = _found(account, asked)
    page, rest = rows[:PAGE], rows[PAGE:]
    if not rest:
        return page, ""
    number = str(uuid.uuid4())
    content = json.dumps([asdict(row) for row in rest])
    account.db.execute("insert into reading values (?, ?)", (number, content))
    return page, number


def _found(account: Account, asked: Node) -> list[Row]:
    kind, names = asked.text("ObjectType"), [one.own for one in asked.all("Properties")]
    if not names:
        raise BadQuery("No properties were asked for")
    extension = kind.removeprefix("DataExtensionObject[").removesuffix("]") if kind.endswith("]") else ""
    objects = _rows_of(account, extension) if extension else _objects(account, kind)
    if missing := [n for n in names if n not in _known(account, kind, extension)]:
        raise BadQuery(f"The property {missing[0]} is not retrievable")
    filters = asked.all("Filter")
    test = _test(filters[0]) if filters else lambda _: True
    in_properties = bool(extension) or kind == "SubscriberStatusEvent"
    told = "DataExtensionObject" if extension else "ObjectExtension" if in_properties else kind
    return [Row(told, {n: one.get(n, "") for n in names}, in_properties) for one in objects if test(one)]


KNOWN = {
    "DataExtension": ("ObjectID", "CustomerKey", "Name", "IsSendable"),
    "DataExtensionField": ("Name", "FieldType", "MaxLength", "IsPrimaryKey", "DataExtension.CustomerKey"),
    "Subscriber": ("ID", "SubscriberKey", "EmailAddress", "Status", "CreatedDate", "UnsubscribedDate"),
    "SubscriberStatusEvent": ("SubscriberID", "SubscriberKey", "CurrentStatus", "PreviousStatus", "ReasonUnsub", "CreatedDate"),
    "ListSubscriber": ("ListID", "SubscriberKey", "Status", "ModifiedDate"),
    "Send": ("ID", "EmailName", "SentDate"),
}  # fmt: skip


def _known(account: Account, kind: str, extension: str) -> Sequence[str]:
    if extension:
        return [row["name"] for row in account.rows("select name from field where extension = ?", extension)]
    return KNOWN[kind]


def _rows_of(account: Account, extension: str) -> Iterable[dict[str, str]]:
    if account.row("select 1 from extension where key = ?", extension) is None:
        raise BadQuery("The data extension does not exist")
    rows = account.rows("select content from entry where extension = ? order by key", extension)
    return (json.loads(row["content"]) for row in rows)


def _objects(account: Account, kind: str) -> Iterable[dict[str, str]]:
    if kind == "DataExtension":
        for row in account.rows("select * from extension order by key"):
            yield {"ObjectID": row["key"], "CustomerKey": row["key"], "Name": row["name"],
                   "IsSendable": "true" if row["is_sendable"] else "false"}  # fmt: skip
    elif kind == "DataExtensionField":
        for row in account.rows("select * from field order by extension, rowid"):
            yield {"Name": row["name"], "FieldType": row["type"], "MaxLength": str(row["max_length"] or ""),
                   "IsPrimaryKey": "true" if row["is_key"] else "false",
                   "DataExtension.CustomerKey": row["extension"]}  # fmt: skip
    elif kind == "Subscriber":
        for row in account.rows("select * from subscriber order by id"):
            yield {"ID": str(row["id"]), "SubscriberKey": row["key"], "EmailAddress": row["email"], "Status": row["status"],
                   "CreatedDate": shown(row["created_at"]), "UnsubscribedDate": shown(row["unsubscribed_at"])}  # fmt: skip
    elif kind == "SubscriberStatusEvent":
        query = "select e.*, s.key from status_event e join subscriber s on s.id = subscriber_id order by e.id"
        for row in account.rows(query):
            yield {"SubscriberID": str(row["subscriber_id"]), "SubscriberKey": row["key"], "CurrentStatus": row["current"],
                   "PreviousStatus": row["previous"], "ReasonUnsub": row["reason"],
                   "CreatedDate": shown(row["created_at"])}  # fmt: skip
    elif kind == "ListSubscriber":
        query = (
            "select l.*, s.key from list_subscriber l join subscriber s on s.id = subscriber_id order by list_id, s.id"
        )
        for row in account.rows(query):
            yield {"ListID": str(row["list_id"]), "SubscriberKey": row["key"], "Status": row["status"],
                   "ModifiedDate": shown(row["modified_at"])}  # fmt: skip
    elif kind != "Send":
        raise BadQuery(f"{kind} is not retrievable")


# -- filters ---------------------------------------------------------------------------------------------------------------


def _test(part: Node) -> Test:
    if part.kind == "ComplexFilterPart":
        left, right = (_test(part.all(side)[0]) for side in ("LeftOperand", "RightOperand"))
        if part.text("LogicalOperator") == "AND":
            return lambda one: left(one) and right(one)
        return lambda one: left(one) or right(one)
    name, how = part.text("Property"), part.text("SimpleOperator")
    dates = [_instant(value.own) for value in part.all("DateValue")]
    values = {value.own for value in part.all("Value")}
    if dates:
        compare = {"greaterThan": operator.gt, "lessThan": operator.lt}.get(how)
        if compare is None:
            raise BadQuery(f"{name} can be compared with greaterThan and lessThan only")
        return lambda one: bool(one.get(name)) and compare(_instant(one[name]), dates[0])
    if how not in ("equals", "IN") or (how == "IN") != (len(values) > 1):
        raise BadQuery(f"{name}: {how} does not fit {len(values)} values")
    return lambda one: one.get(name) in values


def _instant(text: str) -> datetime:
    """A date without a zone is server time."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=SERVER_TIME)).astimezone(UTC)
