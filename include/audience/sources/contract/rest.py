"""HTTP for sources: paging, authentication, retries with Retry-After, pacing, and errors that say what to do next."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from audience.core.connection import Connection
from audience.core.errors import SourceRefused, SourceReplyInvalid, SourceUnavailable
from audience.core.system import Field, System
from audience.core.turns import Turns
from audience.sources.contract.auth import Auth

if TYPE_CHECKING:
    from requests import Response, Session

_TIMEOUT_S = (10.0, 60.0)  # connect, read
_ATTEMPTS = 6
_LONGEST_WAIT_S = 300
"""A `Retry-After` up to this is waited for; beyond it the task ends and the next run tries again."""

Understood = Callable[[Any, dict[str, list[str]]], bool]
"""Whether a reply says if there is more; told the reply and the query that was asked."""

Status = Callable[["Response"], int]
"""The HTTP status that a reply means, for systems that answer with another one: a SOAP fault is always a 500, a used-up
quota may be a 403."""


def rest(
    type: str,
    title: str,
    *,
    auth: Auth,
    url: str = "",
    check: str = "",
    requests_per_second: float | None = None,
    retry_after: str = "Retry-After",
    status: Status | None = None,
    headers: dict[str, str] | None = None,
    fields: tuple[Field, ...] = (),
) -> System:
    """A system with a REST API.

    Args:
        type: Airflow connection type.
        url: base URL, when the connection's host is empty.
        check: path that `test connection` gets.
        requests_per_second: requests are not sent faster than this, whoever calls the account; where the connection's extra
            has one, that counts: it is the same account that a destination of the same connection calls.
        retry_after: the header that says how many seconds to wait.
        status: what a reply means, where its HTTP status does not say; it is asked before anything is tried again.
        headers: sent with every request, such as the version of the API.
        fields: of the connection form; by default the host, where there is no `url`, and the key as password.
    """
    host = () if url else (Field("host", "Address", "https://shop.example"),)
    shown = fields or (*host, Field("password", "API key", is_secret=True))

    def opened(connection: Connection) -> "Rest":
        return Rest(connection.at(url), auth, check=check, requests_per_second=requests_per_second,
                    retry_after=retry_after, status=status, headers=headers)  # fmt: skip

    return System(type, title, opened, shown)


class Rest:
    """One system's REST API, read only. dlt's client pages, authenticates and retries; this names the failures.

    Paths are below the connection's URL. `items` is the dotted path of the list of records in a reply, `""` when the reply
    is the list.

    Raises, wherever it reads:
        SourceRefused: 401 or 403, also where a token is fetched.
        SourceUnavailable: 429, 5xx or no whole answer after all tries; a longer wait was asked for than is waited;
            the number of records changed between two pages, so that one of them may have been missed.
        SourceReplyInvalid: any other answer than the documented one.
    """

    def __init__(
        self,
        connection: Connection,
        auth: Auth,
        *,
        check: str = "",
        requests_per_second: float | None = None,
        retry_after: str = "Retry-After",
        status: Status | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        from dlt.common.configuration.specs import RuntimeConfiguration
        from dlt.sources.helpers.requests.retry import Client
        from dlt.sources.helpers.rest_client import RESTClient

        self.connection = connection
        self._check = check
        retrying = Client(
            request_timeout=_TIMEOUT_S,
            raise_for_status=False,
            request_max_attempts=_ATTEMPTS,
            request_max_retry_delay=_LONGEST_WAIT_S,
            session_attrs={"max_redirects": 0},
        )
        self._session = retrying.session
        per_second = connection.extra.get("requests_per_second") or requests_per_second
        _pace(self._session, connection.turns, per_second and float(per_second), retry_after, status)
        sign: Any = auth(connection, self._session)  # requests calls any callable
        self._client = RESTClient(connection.url, auth=sign, headers=headers,
                                  # Given, not looked up: dlt would ask Airflow for a Variable of each setting.
                                  session=self._session, config=RuntimeConfiguration())  # fmt: skip

    def check(self) -> str:
        self.get(self._check)
        return f"{self.connection.name}: answered"

    def close(self) -> None:
        self._session.close()

    # -- one reply -----------------------------------------------------------------------------------------------------

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        """The JSON of one reply."""
        return self._once("GET", path, params=params)

    def post(self, path: str, json: Any = None, params: dict[str, Any] | None = None) -> Any:
        """The JSON of the reply to a query that an API wants posted."""
        return self._once("POST", path, json=json, params=params)

    def lines(self, path: str, params: dict[str, Any] | None = None) -> Iterator[bytes]:
        """The lines of one long reply, as they arrive; nothing is kept."""
        place = self._place("GET", path)
        with self._failures(place):
            response = self._client.get(path, params=params, stream=True, hooks={"response": [self._status(place)]})
            with response:
                yield from response.iter_lines(chunk_size=1 << 16)

    def text(self, method: str, path: str, *, data: bytes | None = None, params: dict[str, Any] | None = None,
             headers: dict[str, str] | None = None) -> bytes:  # fmt: skip
        """The body of one reply, for formats other than JSON."""
        place = self._place(method, path)
        with self._failures(place):
            hooks = {"response": [self._status(place)]}
            return self._client.request(path, method=method, params=params, data=data, headers=headers,  # type: ignore[arg-type]
                                        hooks=hooks).content  # fmt: skip

    def page(self, path: str, params: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None,
             ) -> tuple[bytes, Mapping[str, str]]:  # fmt: skip
        """The body of one reply in a format other than JSON, and its headers, which say how to read on."""
        place = self._place("GET", path)
        with self._failures(place):
            hooks = {"response": [self._status(place)]}
            response = self._client.get(path, params=params, headers=headers, hooks=hooks)
            return response.content, response.headers

    def _once(self, method: str, path: str, **asked: Any) -> Any:
        place = self._place(method, path)
        with self._failures(place):
            response = self._client.request(path, method=method, hooks={"response": [self._status(place)]}, **asked)  # type: ignore[arg-type]
            return _json(place, response)

    # -- pages -----------------------------------------------------------------------------------------------------------

    def by_cursor(
        self, path: str, items: str, params: dict[str, Any] | None = None, *, cursor: str = "next_cursor",
        asks: str = "cursor", may_lack: bool = False, more: str | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """Records of an API whose replies name where the next page begins: null on the last page.

        Args:
            cursor: path of the next cursor in the reply.
            asks: the query parameter that sends it back.
            may_lack: the last page leaves the cursor out instead of saying null.
            more: path of the true or false that says whether there are more, where the last page names a cursor too.
        """
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

        def understood(reply: Any, asked: dict[str, list[str]]) -> bool:
            if more is not None and _at(reply, more) is not True:
                return _at(reply, more) is False
            # dlt would read a missing cursor as the last page, and follow one that leads to itself for ever.
            following = _at(reply, cursor, None if may_lack else 0)
            if following in (None, ""):
                return more is None
            return isinstance(following, str) and [following] != asked.get(asks)

        paginator = JSONResponseCursorPaginator(cursor, asks, has_more_path=more)
        return self._records(path, items, paginator, understood, params=params)

    def by_page(
        self, path: str, items: str, params: dict[str, Any] | None = None, *, page: str = "page",
        pages: str = "pages", total: str = "total", first: int = 1,
    ) -> Iterator[Any]:  # fmt: skip
        """Records of an API with numbered pages whose replies say how many `pages` and how many records in `total`."""
        from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

        def understood(reply: Any, _: dict[str, list[str]]) -> bool:
            return isinstance(_at(reply, pages), int) and isinstance(_at(reply, total), int)

        paginator = PageNumberPaginator(base_page=first, page_param=page, total_path=pages)
        return self._records(path, items, paginator, understood, params=params, total=total)

    def by_offset(
        self, path: str, items: str, params: dict[str, Any] | None = None, *, limit: int, offset: str = "offset",
        asks_limit: str = "limit", total: str | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """Records of an API that is asked from the n-th on, until it has given its total, or a page without records.

        Args:
            total: path of the number of all records in a reply, where it says so. Not for records that change while they
                are read: a total that changes ends the extraction.
        """
        from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

        def understood(reply: Any, _: dict[str, list[str]]) -> bool:
            return total is None or isinstance(_at(reply, total), int)

        paginator = OffsetPaginator(limit=limit, offset_param=offset, limit_param=asks_limit, total_path=total)
        return self._records(path, items, paginator, understood, params=params, total=total)

    def by_next_url(
        self, path: str, items: str, params: dict[str, Any] | None = None, *, url: str = "next", total: str | None = None
    ) -> Iterator[Any]:  # fmt: skip
        """Records of an API whose replies hold the URL of the next page (of the same host): null or absent on the last.

        Args:
            total: path of the number of all records in a reply, where it says so.
        """
        from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

        def understood(reply: Any, _: dict[str, list[str]]) -> bool:
            return total is None or isinstance(_at(reply, total), int)

        return self._records(path, items, JSONLinkPaginator(url), understood, params=params, total=total)

    def by_link_header(self, path: str, items: str, params: dict[str, Any] | None = None) -> Iterator[Any]:
        """Records of an API whose replies carry `Link: <...>; rel="next"` (RFC 8288) until the last page."""
        from dlt.sources.helpers.rest_client.paginators import HeaderLinkPaginator

        return self._records(path, items, HeaderLinkPaginator(), lambda _reply, _asked: True, params=params)

    def by_overlap(
        self, path: str, items: str, params: Callable[[int], dict[str, Any]], *, limit: int, overlap: int = 10,
        id: str = "id",
    ) -> Iterator[Any]:  # fmt: skip
        """Records of an API that is asked from the n-th on, and whose list moves up while it is read.

        A record that changes leaves the window, the later ones move up, and the first of the next page would never be
        seen. So each page begins with the last records of the page before; when none of them is there, too many have
        moved. A page without a new record is the last: a short one may be full, less what the API cannot show.

        Args:
            params: the query for the records from the n-th on.
            limit: records of a page.
            overlap: how many of them are of the page before.
            id: the field that tells records apart.
        """
        place, first = self._place("GET", path), 0
        before: set[str] = set()
        while True:
            reply = self.get(path, params(first))
            page = reply if reply == [] else _at(reply, items)  # PHP writes an object without fields as []
            if not isinstance(page, list):
                raise SourceReplyInvalid(f"{place}: the reply has no list {items!r}")
            ids = {str(_at(record, id)) for record in page}
            if ids <= before:
                return
            if before and before.isdisjoint(ids):
                raise SourceUnavailable(f"{place}: the records changed while they were read")
            yield from (record for record in page if str(_at(record, id)) not in before)
            before, first = ids, first + limit - overlap

    def by_graphql(self, path: str, query: str, variables: dict[str, Any], *, connection: str) -> Iterator[Any]:
        """Nodes of a GraphQL connection (relay: `nodes`, `pageInfo {hasNextPage endCursor}`), asked with `$after`.

        Args:
            connection: its path below `data`, such as `orders`.
        """
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

        info, place = f"data.{connection}.pageInfo", self._place("POST", path)

        def understood(reply: Any, _: dict[str, list[str]]) -> bool:
            return isinstance(_at(reply, f"{info}.hasNextPage"), bool)

        def succeeded(reply: Any) -> None:
            # GraphQL answers 200 to a query that failed (GraphQL specification, section 7).
            if errors := _at(reply, "errors"):
                told = errors if isinstance(errors, list) else [errors]
                codes = sorted({str(_at(error, "extensions.code", "no code")) for error in told})
                raise SourceReplyInvalid(f"{place}: the query failed: {', '.join(codes)}")

        paginator = JSONResponseCursorPaginator(
            f"{info}.endCursor", cursor_body_path="variables.after", has_more_path=f"{info}.hasNextPage"
        )
        asked = {"query": query, "variables": {**variables, "after": None}}
        return self._records(
            path, f"data.{connection}.nodes", paginator, understood, succeeded, method="POST", json=asked
        )

    def _records(
        self, path: str, items: str, paginator: Any, understood: Understood,
        succeeded: Callable[[Any], None] = lambda _: None, *, method: str = "GET", total: str | None = None, **asked: Any,
    ) -> Iterator[Any]:  # fmt: skip
        """Every record, page by page. `succeeded` raises where a reply says itself that it failed."""
        place = self._place(method, path)
        wanted = self._status(place)
        totals: set[int] = set()

        def page(response: "Response", *args: Any, **kwargs: Any) -> None:
            wanted(response, *args, **kwargs)
            reply = _json(place, response)
            succeeded(reply)
            if not isinstance(_at(reply, items), list):
                # dlt would read a missing list as an empty page, and so a changed API as a day without data.
                raise SourceReplyInvalid(f"{place}: the reply has no list {items!r}")
            if not understood(reply, parse_qs(urlsplit(str(response.request.url)).query)):
                raise SourceReplyInvalid(f"{place}: the reply does not say whether there are more {items!r}")
            if total is not None:
                totals.add(_at(reply, total))

        received = 0
        with self._failures(place):
            for records in self._client.paginate(
                path, method=method, paginator=paginator, data_selector=items or "$", hooks={"response": [page]}, **asked  # type: ignore[arg-type]
            ):  # fmt: skip
                received += len(records)
                yield from records
        if totals and totals != {received}:
            raise SourceUnavailable(f"{place}: the records changed while they were read")

    # -- failures --------------------------------------------------------------------------------------------------------

    def _place(self, method: str, path: str) -> str:
        return f"{self.connection.name}: {method} {urlsplit(path).path}"

    def _status(self, place: str) -> Callable[..., None]:
        """A hook that refuses every answer but 200; what may be tried again is left to dlt's client."""
        home = urlsplit(self.connection.url)

        def check(response: "Response", *_: Any, **__: Any) -> None:
            asked, status = urlsplit(str(response.request.url)), response.status_code
            # Read to its end, so that the connection goes back to the pool and is closed with it.
            assert status == 200 or response.content is not None
            if (asked.scheme, asked.netloc) != (home.scheme, home.netloc):
                raise SourceReplyInvalid(f"{place}: the next page is on another host")
            if status in (401, 403):
                raise SourceRefused(f"{place}: found {status}, expected 200; check connection {self.connection.name!r}")
            if status == 429 or status >= 500:
                wait = response.headers.get("Retry-After", "")
                if wait.isdecimal() and int(wait) > _LONGEST_WAIT_S:
                    raise SourceUnavailable(f"{place}: found HTTP {status}, to be tried again in {wait} s")
                response.raise_for_status()  # what dlt's client tries again
            if status != 200:
                raise SourceReplyInvalid(f"{place}: found HTTP {status}, expected 200")

        return check

    @contextmanager
    def _failures(self, place: str) -> Iterator[None]:
        from requests.exceptions import HTTPError, RequestException

        try:
            yield
        except HTTPError as error:
            assert error.response is not None
            status = error.response.status_code
            raise SourceUnavailable(f"{place}: found HTTP {status} after {_ATTEMPTS} tries") from None
        except RequestException as error:
            raise SourceUnavailable(f"{place}: {type(error).__name__} after {_ATTEMPTS} tries") from None


def _pace(session: "Session", turns: Turns, per_second: float | None, retry_after: str, status: Status | None) -> None:
    """Sends each request in its turn, and reads the system's own words for Retry-After and for what went wrong."""
    from requests.adapters import HTTPAdapter

    class Paced(HTTPAdapter):
        lock = threading.Lock()

        def send(self, *args: Any, **kwargs: Any) -> "Response":
            with self.lock:
                wait = 0.0 if per_second is None else turns.take(per_second)
            if wait > 0:
                time.sleep(wait)
            response = super().send(*args, **kwargs)
            if (seconds := response.headers.get(retry_after)) is not None:
                response.headers["Retry-After"] = seconds
            if status is not None:
                response.status_code = status(response)
            return response

    for scheme in ("http://", "https://"):
        session.mount(scheme, Paced(pool_maxsize=50))


def _json(place: str, response: "Response") -> Any:
    size = len(response.content)  # read to its end, so that the connection can be used again
    try:
        reply = orjson.loads(response.content)
    except ValueError:
        raise SourceReplyInvalid(f"{place}: the reply is not JSON ({size} bytes)") from None
    # dlt and its paginator read the same reply again, each with a slower parser: a third of an extraction's time.
    response.json = lambda **_: reply  # type: ignore[method-assign]
    return reply


def _at(reply: Any, path: str, default: Any = None) -> Any:
    """What stands at a dotted path; the default where there is no such place."""
    for name in path.split(".") if path else ():
        if not isinstance(reply, dict) or name not in reply:
            return default
        reply = reply[name]
    return reply
