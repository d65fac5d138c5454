"""What Marketing Cloud is told of a contact, and how its lists and rows are named there."""

import hashlib
from collections.abc import Mapping
from typing import Any

from audience.activation.destination import Shown
from audience.activation.salesforce import soap
from audience.activation.salesforce.answers import safe
from audience.core.masked import Personal
from audience.privacy.attributes import FLAGS, TEXTS
from audience.privacy.gate import Recipient

BASE_LIST = "audience"

KEY_LENGTH = 36
"""Characters of an external key that trouble no other process (guide: create a data extension)."""

TEXT_LENGTH = 254
"""Of names; the row of a longer one is refused."""

FIELDS = soap.field("SubscriberKey", "Text", length=64, is_key=True) + soap.field("EmailAddress", "EmailAddress")

ATTRIBUTES = {n: soap.field(n, "Text", length=TEXT_LENGTH) for n in TEXTS} | {
    n: soap.field(n, "Boolean") for n in FLAGS
}


def key_of(list_name: str) -> str:
    """External key of a list's data extension; a long name is cut and told apart by its hash."""
    key = f"{BASE_LIST}_{list_name}" if list_name else BASE_LIST
    return key if len(key) <= KEY_LENGTH else f"{key[: KEY_LENGTH - 9]}_{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def is_ours(key: str) -> bool:
    return key == BASE_LIST or key.startswith(f"{BASE_LIST}_")


def row(recipient: Recipient) -> dict[str, Any]:
    return {"SubscriberKey": recipient.told_as, "EmailAddress": recipient.email.reveal()}


def attributes(recipient: Recipient) -> dict[str, Any]:
    """All of them: a column that is left out keeps what it had."""
    values = (recipient.first_name, recipient.last_name, recipient.open_tracking, recipient.click_tracking)
    return {
        name: value.reveal() if isinstance(value, Personal) else "" if value is None else value
        for name, value in zip(TEXTS + FLAGS, values, strict=True)
    }


def attributes_in(row: Mapping[str, str]) -> dict[str, Personal | bool]:
    texts = {name: Personal(row[name]) for name in TEXTS if row.get(name)}
    return texts | {name: row[name].lower() == "true" for name in FLAGS if name in row}


def addressed(row: Mapping[str, str]) -> Shown:
    email = row.get("EmailAddress")
    return Shown(row.get("SubscriberKey", ""), Personal(email) if email else None)


def reason_of(event: Mapping[str, str]) -> str:
    if event["CurrentStatus"] == "Held":
        return "hard_bounce"
    return "complaint" if event.get("ReasonUnsub", "").startswith("Spam complaint") else "unsubscribe"


def error_of(result: Mapping[str, str]) -> str:
    return safe(result.get("ErrorCode")) or safe(result.get("StatusCode")) or "refused"
