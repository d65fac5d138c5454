"""What the conformance kit does not show of the base of postal codes: an answer that is not the base."""

import pytest
from replay import Recording, replaying

from audience.core.errors import SourceReplyInvalid
from audience.sources.laposte import SOURCE, fetch_postal_codes


def test_a_page_instead_of_the_base_is_refused() -> None:
    streams = {"postal_codes": {"exchanges": [{"ask": "GET /raw", "text": "<html>Maintenance</html>\n"}]}}
    with replaying(Recording("laposte", Recording.of("laposte").said | {"streams": streams}), "postal_codes") as system:
        client = SOURCE.system.open(system.connection())
        with pytest.raises(SourceReplyInvalid, match="^laposte: GET raw: found no column Code_postal"):
            list(fetch_postal_codes(client, system.window))
        client.close()
