"""Mailchimp: members of audiences with their consent, campaigns that were sent, opens, clicks, bounces and complaints.

API     Marketing REST 3.0 (mailchimp.com/developer/marketing/api): `GET /lists/{id}/members?since_last_changed`, newest
        first; `GET /lists/{id}/abuse-reports`, all of them; `GET /campaigns`; `GET /reports/{id}/open-details` and
        `/email-activity`, both `since`; offset pages.
Grain   contact and consent: one member of one audience; campaign: one campaign; event: one open, click or bounce of
        one recipient of one campaign, one complaint, or one member who unsubscribed or was cleaned.
Units   times are ISO 8601 with an offset.
Limits  1,000 records a page; 10 requests at once, no header says how long to wait; 1,000 opens and 1,000 clicks a recipient
        and campaign. Campaigns are followed for 30 days.
Quirks  too many requests may be answered with a bare 403 (no JSON), which is no refusal. A member's `id` and a recipient's
        `email_id` are checksums of the address, which anybody can compute: neither is asked for; events are told apart
        by a hash keyed with the API key, so the events of the re-read days come again under a new key. Somebody whom
        an import or a program added has an opt-in time too: only who signed up (`timestamp_signup`) and confirmed
        (`timestamp_opt`) has consented; the IP addresses that Mailchimp keeps as proof stay there. Unsubscribed and
        cleaned members count from their last change, since nothing says when it was.
"""

import hmac
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NotRequired

from typing_extensions import TypedDict

from audience.sources.contract import Field, Rest, Row, Source, Stream, System, Unusable, Window, basic

if TYPE_CHECKING:
    from requests import Response

FOLLOWED = timedelta(days=30)
"""Opens and clicks that come later than this after the sending are not asked for."""


class Member(TypedDict):
    list_id: str
    contact_id: str
    email_address: str
    status: str
    merge_fields: NotRequired[dict[str, Any]]
    timestamp_signup: str
    timestamp_opt: str
    last_changed: str


class Settings(TypedDict):
    title: str


class Complaint(TypedDict):
    id: int
    list_id: str
    campaign_id: NotRequired[str]
    email_address: str
    date: str


class Campaign(TypedDict):
    id: str
    send_time: str
    settings: Settings


class Opened(TypedDict):
    campaign_id: str
    email_address: str
    recipient: str
    timestamp: str
    is_proxy_open: NotRequired[bool]


class Activity(TypedDict):
    campaign_id: str
    email_address: str
    recipient: str
    action: str
    type: NotRequired[str]
    timestamp: str


def fetch_members(api: Rest, window: Window) -> Iterator[Member]:
    # Newest first and without an end: a member who changes while pages are read comes to the front, and so pushes others
    # to a later page; any other order would pull some to a page that was read already.
    asked = {"since_last_changed": _moment(window.start - timedelta(seconds=1)), "sort_field": "last_changed",
             "sort_dir": "DESC", "fields": _fields("members", Member)}  # fmt: skip
    for audience in _audiences(api):
        yield from _pages(api, f"lists/{audience}/members", "members", asked)


def fetch_complaints(api: Rest, _: Window) -> Iterator[Complaint]:
    asked = {"fields": _fields("abuse_reports", Complaint)}
    for audience in _audiences(api):
        yield from _pages(api, f"lists/{audience}/abuse-reports", "abuse_reports", asked)


def fetch_campaigns(api: Rest, window: Window) -> Iterator[Campaign]:
    for campaign in _sent(api, window):
        yield campaign
        if _sent_at(campaign) < window.start:
            return


def fetch_opens(api: Rest, window: Window) -> Iterator[Opened]:
    return _reports(api, window, report="open-details", people="members", actions="opens",
                    wanted=("timestamp", "is_proxy_open"))  # fmt: skip


def fetch_activity(api: Rest, window: Window) -> Iterator[Activity]:
    return _reports(api, window, report="email-activity", people="emails", actions="activity",
                    wanted=("action", "type", "timestamp"))  # fmt: skip


def _sent(api: Rest, window: Window) -> Iterator[Campaign]:
    """Campaigns sent before the end of the window, newest first."""
    asked = {"status": "sent", "before_send_time": _moment(window.end), "sort_field": "send_time", "sort_dir": "DESC",
             "fields": "campaigns.id,campaigns.send_time,campaigns.settings.title"}  # fmt: skip
    return _pages(api, "campaigns", "campaigns", asked)


def _sent_at(campaign: Campaign) -> datetime:
    return datetime.fromisoformat(campaign["send_time"])


def _reports(
    api: Rest, window: Window, *, report: str, people: str, actions: str, wanted: Iterable[str]
) -> Iterator[Any]:
    """What the recipients of the campaigns that are followed did, one record per action."""
    fields = (f"{people}.campaign_id", f"{people}.email_address", *(f"{people}.{actions}.{name}" for name in wanted))
    asked = {"since": _moment(window.start - timedelta(seconds=1)), "fields": ",".join(fields)}
    for campaign in takewhile(lambda c: _sent_at(c) >= window.start - FOLLOWED, _sent(api, window)):
        for person in _pages(api, f"reports/{campaign['id']}/{report}", people, asked):
            of = {"campaign_id": person.get("campaign_id"), "email_address": person.get("email_address"),
                  "recipient": _told_apart(api, str(person.get("email_address")))}  # fmt: skip
            # A person without the list is a changed API: the record without its fields says so.
            for action in person.get(actions, [{}]):
                yield of | action


def _audiences(api: Rest) -> list[str]:
    return [name.strip() for name in api.connection.setting("audiences").split(",")]


def _pages(api: Rest, path: str, items: str, asked: dict[str, str]) -> Iterator[Any]:
    return api.by_offset(path, items, asked, limit=1000, asks_limit="count")


def _told_apart(api: Rest, email: str) -> str:
    """The same for the same address, and of no use to who does not have the API key."""
    key = api.connection.password.reveal().encode()
    return hmac.new(key, email.lower().encode(), "sha256").hexdigest()[:16]


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S+00:00}"


def _fields(items: str, record: Any) -> str:
    return ",".join(f"{items}.{name}" for name in record.__annotations__)


def tidy_member(record: Member) -> Iterator[Row]:
    known = record.get("merge_fields") or {}
    member = f"{record['list_id']}:{record['contact_id']}"
    email, status, changed = record["email_address"], record["status"], record["last_changed"]
    yield (
        "contact",
        {
            "record_id": member,
            "email": email,
            "phone": known.get("PHONE"),
            "first_name": known.get("FNAME"),
            "last_name": known.get("LNAME"),
            "created_at": record["timestamp_signup"] or None,
            "updated_at": changed,
            "is_deleted": status == "archived",
        },
    )
    answer = {
        "consent_id": f"{member}:email_marketing",
        "record_id": member,
        "email": email,
        "channel": "email",
        "purpose": "email_marketing",
        "proof": f"Mailchimp audience {record['list_id']}, contact {record['contact_id']}",
    }
    if status == "subscribed" and record["timestamp_signup"] and record["timestamp_opt"]:
        yield "consent", answer | {"status": "granted", "captured_at": record["timestamp_opt"]}
    if status == "unsubscribed":
        yield "consent", answer | {"status": "withdrawn", "captured_at": changed}
    if status in ("unsubscribed", "cleaned"):
        happened = "unsubscribe" if status == "unsubscribed" else "hard_bounce"
        yield (
            "event",
            {
                # One for each time that somebody subscribed, however often the member changes afterwards.
                "event_id": f"{member}:{happened}:{record['timestamp_opt']}",
                "type": happened,
                "email": email,
                "occurred_at": changed,
                "received_at": changed,
                "is_machine": False,
            },
        )


def tidy_complaint(record: Complaint) -> Iterator[Row]:
    yield (
        "event",
        {
            "event_id": f"{record['list_id']}:complaint:{record['id']}",
            "type": "complaint",
            "email": record["email_address"],
            "campaign_id": record.get("campaign_id"),
            "occurred_at": record["date"],
            "received_at": record["date"],
            "is_machine": False,
        },
    )


def tidy_campaign(record: Campaign) -> Iterator[Row]:
    title = record["settings"]["title"]
    yield "campaign", {"campaign_id": record["id"], "title": title, "sent_at": record["send_time"]}


def tidy_opened(record: Opened) -> Iterator[Row]:
    yield _event(record, "open", is_machine=record.get("is_proxy_open", False))


def tidy_activity(record: Activity) -> Iterator[Row]:
    action, kind = record["action"], record.get("type")
    if action == "open":  # the stream of opens knows which of them a proxy made
        return
    if action == "click":
        yield _event(record, "click")
    elif action == "bounce" and kind in ("hard", "soft"):
        yield _event(record, f"{kind}_bounce")
    else:
        raise Unusable("action is of a kind that is not known")


def _event(record: Any, happened: str, *, is_machine: bool = False) -> Row:
    return (
        "event",
        {
            "event_id": f"{record['campaign_id']}:{happened}:{record['recipient']}:{record['timestamp']}",
            "type": happened,
            "email": record["email_address"],
            "campaign_id": record["campaign_id"],
            "occurred_at": record["timestamp"],
            "received_at": record["timestamp"],
            "is_machine": is_machine,
        },
    )


def _status(response: "Response") -> int:
    """A refusal says in JSON what is wrong; a 403 without it means too many requests."""
    is_json = "json" in response.headers.get("Content-Type", "")
    return 429 if response.status_code == 403 and not is_json else response.status_code


def _opened(connection: Any) -> Rest:
    """The key ends with the data centre of the account: `...-us19`."""
    centre = connection.password.reveal().rpartition("-")[2]
    url = f"https://{centre}.api.mailchimp.com/3.0" if centre.isalnum() else ""
    return Rest(connection.at(url), basic, check="ping", status=_status)


SOURCE = Source(
    name="mailchimp",
    title="Mailchimp",
    system=System(
        "mailchimp",
        "Mailchimp",
        _opened,
        (
            Field("login", "User", "audience", "any word"),
            Field("password", "API key", "...-us19", "Account, Extras, API keys", is_secret=True),
            Field("audiences", "Audiences", "b4baa94655, c5cbb05766", "ids of the audiences, separated by commas"),
        ),
    ),
    streams=(
        Stream(
            "members", fetch_members, tidy_member, entities=("contact", "consent", "event"), cursor="last_changed",
            personal=("email_address", "merge_fields.FNAME", "merge_fields.LNAME", "merge_fields.PHONE"),
            reread_days=1,
        ),
        Stream(
            "complaints", fetch_complaints, tidy_complaint, entities=("event",), cursor="date",
            personal=("email_address",), reread_days=1,
        ),
        Stream("campaigns", fetch_campaigns, tidy_campaign, entities=("campaign",), cursor="send_time"),
        Stream(
            "opens", fetch_opens, tidy_opened, entities=("event",), cursor="timestamp", personal=("email_address",),
            reread_days=1,
        ),
        Stream(
            "activity", fetch_activity, tidy_activity, entities=("event",), cursor="timestamp",
            personal=("email_address",), reread_days=1,
        ),
    ),
)  # fmt: skip
