"""A key is added to the setting, looked at, and taken in."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from audience.core.masked import PseudonymKey, Secret
from audience.core.warehouse import Warehouse
from audience.core.warehouse.models import Suppression
from audience.privacy.keys import in_use
from cli.conftest import Command
from key import KEY
from privacy.people import store, suppressed

SECOND = "a-second-key-for-tests-only-0123456789"
TWO = PseudonymKey(KEY.reveal(), later=(Secret(SECOND),))


def test_a_key_waits_is_taken_in_and_cannot_be_left_out(
    audience: Command, stores: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warehouse.begin() as connection:
        in_use(connection, TWO)
    store(warehouse, suppressed("k" * 32))
    monkeypatch.setenv("AUDIENCE_PSEUDONYM_KEY", f"{KEY.reveal()},{SECOND}")
    lines = audience("keys", "status").out.splitlines()
    assert [line.split()[0] for line in lines[-2:]] == list(TWO.ids)
    assert ("warehouse" in lines[-2] and lines[-2].endswith("1")) and "waits for audience keys rotate" in lines[-1]
    assert audience("keys", "rotate").out == "1 rows have new keys\n"
    assert audience("keys", "rotate").out == "the warehouse has all keys of AUDIENCE_PSEUDONYM_KEY\n"
    with warehouse.begin() as connection:
        assert connection.scalar(sa.select(Suppression.contact_key)) != "k" * 32
    monkeypatch.setenv("AUDIENCE_PSEUDONYM_KEY", KEY.reveal())
    ended = audience("keys", "status")
    assert (ended.code, "1 rows of the warehouse" in ended.err, SECOND in ended.err) == (1, True, False)
