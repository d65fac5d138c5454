"""What the conformance kit does not show of the ECB's rates: an answer that is no rates."""

import pytest
from replay import Recording, replaying

from audience.core.errors import SourceReplyInvalid
from audience.core.lake import Lake
from audience.core.partition import Window
from audience.sources.contract import extract
from audience.sources.ecb import SOURCE


def answering(**reply: object) -> Recording:
    """The bank answers every request with this."""
    said = Recording.of("ecb").said
    (asked,) = said["streams"]["rates"]["exchanges"]
    return Recording("ecb", said | {"streams": {"rates": {"exchanges": [{"ask": asked["ask"], **reply}]}}})


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ({"status": 404, "text": '{"title": "Not Found"}'}, "found HTTP 404, expected 200"),
        ({"text": "<html>\n<p>Maintenance</p>\n</html>\n"}, "found no column OBS_VALUE, expected SDMX CSV"),
    ],
)
def test_an_answer_without_rates_is_refused_instead_of_read_as_days_without_rates(
    lake: Lake, reply: dict[str, object], found: str
) -> None:
    recording = answering(**reply)
    window = Window(recording.day.plus(-7).window.start, recording.day.window.end)
    with (
        replaying(recording, "rates", window) as bank,
        pytest.raises(SourceReplyInvalid, match=f"^ecb: GET data/EXR.*: {found}"),
    ):
        extract(SOURCE, bank.connection(), lake, first=recording.day, last=recording.day)
    assert lake.staged(f"ecb/{recording.day}_{recording.day}") == []
