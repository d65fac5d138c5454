"""Finds the records that make a platform refuse a whole batch, so that the others go through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from audience.core.errors import DestinationRefused

MOST_CALLS = 400
"""Calls spent on one batch. Enough to try each of 150 contacts alone (Brevo's largest removal), or to find some twenty
bad records among 100,000. When it is not enough, the request is wrong and not the records."""


@dataclass(frozen=True)
class Outcome:
    """What became of a batch, by contact key.

    Args:
        refused: contact key -> reason; the others were accepted.
        ids: contact key -> id that the platform gave the contact.
        whole: why nothing was done; empty when something was.
    """

    refused: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    whole: str = ""


def isolate(keys: Sequence[str], send: Callable[[slice], Outcome], *, already: str = "") -> Outcome:
    """Sends a batch; cuts it in two where it is refused as a whole, at most ceil(log2 n) + 1 levels deep.

    Args:
        keys: contact keys of the batch, in its order.
        send: sends the part of the batch at these places.
        already: why the whole batch was refused, when it was sent before.

    Raises:
        DestinationRefused: the platform goes on refusing after MOST_CALLS calls.
    """
    refused: dict[str, str] = {}
    ids: dict[str, str] = {}
    parts = [slice(0, len(keys))] if keys else []
    calls = 0
    while parts:
        part = parts.pop()
        if already:
            found, already = Outcome(whole=already), ""
        else:
            found = send(part)
            calls += 1
        refused |= found.refused
        ids |= found.ids
        if not found.whole:
            continue
        if part.stop - part.start == 1:
            refused[keys[part.start]] = found.whole
            continue
        if calls >= MOST_CALLS:
            raise DestinationRefused(f"{calls} calls for a batch of {len(keys)} refused, last: {found.whole}")
        middle = (part.start + part.stop) // 2
        parts += [slice(middle, part.stop), slice(part.start, middle)]
    return Outcome(refused, ids)
