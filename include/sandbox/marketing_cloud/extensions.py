"""SOAP `Create` and `Update` of data extensions, and `Delete` of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastapi import Request

from sandbox.marketing_cloud.node import Node
from sandbox.marketing_cloud.platform import Platform

TYPES = ("Text", "Number", "Date", "Boolean", "EmailAddress", "Phone", "Decimal", "Locale")

Problem = tuple[int, str] | None


def create_or_update(
    platform: Platform, request: Request, objects: Sequence[Node], *, is_new: bool
) -> Iterator[Problem]:
    """Makes data extensions, or gives existing ones further columns."""
    for one in objects:
        with platform.account.transaction():
            problem = _unfit(platform, one, is_new=is_new) or _keep(platform, one, is_new=is_new)
        if problem is None:
            platform.accepted(request, [], list_name=one.text("Name") or None)
        yield problem


def _unfit(platform: Platform, one: Node, *, is_new: bool) -> Problem:
    key, name = one.text("CustomerKey"), one.text("Name")
    if one.kind != "DataExtension" or not key or (is_new and not name):
        return 310001, "A data extension needs a name and a key"
    same = platform.account.row("select key, name from extension where key = ? or name = ?", key, name)
    if is_new and same is not None:
        return 310007, "Updating an existing Data Extension definition when doing an add-only operation is not allowed."
    if not is_new and platform.account.row("select 1 from extension where key = ?", key) is None:
        return 310005, "The data extension does not exist"
    fields = one.all("Fields/Field")
    if any(f.text("FieldType") not in TYPES for f in fields):
        return 310003, "A field has no known type"
    sendable = one.text("SendableDataExtensionField/Name")
    if one.text("IsSendable") == "true" and sendable not in [f.text("Name") for f in fields]:
        return 310008, "A sendable data extension needs a field that relates to the subscriber"
    return None


def _keep(platform: Platform, one: Node, *, is_new: bool) -> Problem:
    key, db = one.text("CustomerKey"), platform.account.db
    if is_new:
        db.execute(
            "insert into extension values (?, ?, ?)", (key, one.text("Name"), int(one.text("IsSendable") == "true"))
        )
    for field in one.all("Fields/Field"):
        longest = field.text("MaxLength")
        db.execute(
            "insert or ignore into field values (?, ?, ?, ?, ?)",
            (key, field.text("Name"), field.text("FieldType"), int(longest) if longest else None,
             int(field.text("IsPrimaryKey") == "true")),
        )  # fmt: skip
    return None


def delete_rows(platform: Platform, request: Request, objects: Sequence[Node]) -> Iterator[Problem]:
    """Rows are named by their primary key. One that is not there is an error of its own; the others go."""
    gone: dict[str, list[str]] = {}
    problems: list[Problem] = []
    with platform.account.transaction() as db:
        for one in objects:
            extension, key = one.text("CustomerKey"), one.text("Keys/Key/Value")
            row = platform.account.row(
                "select name, json_extract(content, '$.EmailAddress') as email from entry"
                " join extension on extension.key = extension where extension = ? and entry.key = ?",
                extension, key,
            )  # fmt: skip
            if one.kind != "DataExtensionObject" or row is None:
                problems.append((68001, "The row could not be found"))
                continue
            db.execute("delete from entry where extension = ? and key = ?", (extension, key))
            gone.setdefault(row["name"], []).append(row["email"] or "")
            problems.append(None)
    for name, emails in gone.items():
        platform.accepted(request, emails, list_name=name)
    yield from problems
