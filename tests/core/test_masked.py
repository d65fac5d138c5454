"""A secret or an address is shown nowhere but where it is revealed."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import pytest

from audience.core.masked import Masked, Personal, PseudonymKey, Secret

SECRET = Secret("correct-horse")


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda s: f"{s}",
        lambda s: f"{s!r}",
        lambda s: f"{s:>40}",
        "{0} {0!s}".format,
        lambda s: "%s %r" % (s, s),  # noqa: UP031
        lambda s: repr({"key": [s]}),
        lambda s: repr(vars(type(s))),
        lambda s: str(ValueError("wrong key", s)),
        lambda s: "".join(traceback.format_exception(ValueError(s))),
        lambda s: logging.LogRecord("x", 10, "x", 1, "key %s", (s,), None).getMessage(),
    ],
)
def test_a_masked_value_is_never_shown(show: Callable[[Secret], str]) -> None:
    assert "horse" not in show(SECRET)


@pytest.mark.parametrize("keep", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_masked_value_is_not_stored(keep: Callable[[Masked], object]) -> None:
    with pytest.raises(TypeError) as refused:
        keep(Personal("ana@secret.example"))
    assert "ana" not in str(refused.value)


def test_a_masked_value_has_no_attributes_to_look_through() -> None:
    assert not hasattr(SECRET, "__dict__")


def test_a_masked_value_is_revealed_where_it_is_used() -> None:
    assert SECRET.reveal() == "correct-horse"


def test_masked_values_compare_by_their_text_and_never_with_a_text() -> None:
    assert Secret("correct-horse") == SECRET and hash(SECRET) == hash(Secret("correct-horse"))
    assert Secret("other") != SECRET and SECRET != "correct-horse"


def test_keys_of_pseudonyms_that_give_others_are_others() -> None:
    """Equal text is not enough: what is kept per key would be taken for the other one's."""
    one, second = PseudonymKey("a-key"), (Secret("a-second-key"),)
    assert one == PseudonymKey("a-key") and hash(one) == hash(PseudonymKey("a-key"))
    assert len({one, PseudonymKey("a-key", by_mailbox=True), PseudonymKey("a-key", later=second), Secret("a-key")}) == 4


def test_an_empty_secret_is_false() -> None:
    assert not Secret("") and SECRET
