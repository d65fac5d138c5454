"""What is kept of a visit to a page: where it was and how it came there, without what may say who it was."""

import re
from urllib.parse import parse_qs, urlsplit

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*", re.IGNORECASE)

_ROBOT = re.compile(
    # Not `bot` of Cubot, who makes telephones.
    r"(?<!cu)bot|crawl|spider|slurp|scrap|scan|monitor|preview|headless|phantomjs|lighthouse|facebookexternalhit|"
    r"mediapartners|feedfetcher|curl|wget|python|java/|go-http|libwww|httpclient|node-fetch|axios",
    re.IGNORECASE,
)


def path_of(address: str | None) -> str | None:
    """The path of a page's address, without its query, which may hold anything; None where it has none.

    A part of the path that holds an e-mail address is shown as `*`.
    """
    path = re.split(r"[?#]", _HOST.sub("", address or ""), maxsplit=1)[0]
    return "/".join("*" if "@" in part or "%40" in part else part for part in path.split("/")) or None


def campaign_of(address: str | None) -> dict[str, str | None]:
    """`utm_source` and `utm_campaign` of a page's address."""
    try:
        query = parse_qs(urlsplit(address or "").query, max_num_fields=100)
    except ValueError:
        query = {}
    return {name: query.get(name, [None])[0] for name in ("utm_source", "utm_campaign")}


def is_robot(user_agent: str | None) -> bool:
    """Whether a user agent says that it is a program, or says nothing."""
    return user_agent in (None, "", "-") or _ROBOT.search(str(user_agent)) is not None


def device_of(user_agent: str | None) -> str | None:
    """The kind of device of a browser. `Mobi` is what all of them agree on (MDN: Browser detection using the user agent);
    tablets mostly claim to be desktops."""
    if not user_agent or is_robot(user_agent):
        return None
    if re.search(r"iPad|Tablet|Android(?!.*Mobi)", user_agent):
        return "tablet"
    return "mobile" if "Mobi" in user_agent else "desktop"
