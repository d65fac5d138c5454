"""What goes wrong on the wire is told without naming anybody."""

import httpx
import pytest

from audience.activation.destination import Calls, Request
from audience.activation.wire import Wire
from audience.core.errors import AudienceError
from audience.core.turns import OwnTurns


@pytest.mark.parametrize("status", [401, 403, 429, 503])
@pytest.mark.parametrize(
    "path",
    [
        "/contacts/ana%40mailbox.example",
        "/lists/1/members/9e107d9d372bb6826bd81d3542a419d6",
        "/contacts/ana@mailbox.example",
    ],
)
def test_no_error_and_no_log_names_a_contact(path: str, status: int) -> None:
    log: list[Request] = []
    calls = Calls(before=lambda _: None, after=lambda _: None, pause=lambda _: None, log=log.append)
    transport = httpx.MockTransport(lambda _: httpx.Response(status))
    with httpx.Client(base_url="https://platform.example", transport=transport) as client:
        wire = Wire("platform", client, calls, per_second=1e9, turns=OwnTurns())
        with pytest.raises(AudienceError) as told:
            wire.call("DELETE", path)
    somebody = path.rpartition("/")[2]
    assert somebody not in str(told.value) and "/*:" in str(told.value)
    assert all(somebody not in request.call for request in log)
