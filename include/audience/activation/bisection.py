"""Finds the records that make a platform refuse a whole batch, so that the others go through."""

from collections.abc import Callable, Sequence

from audience.activation.destination import Results
from audience.core.errors import DestinationRefused

MOST_CALLS = 400
"""Calls spent on one batch. Enough to try each of 150 contacts alone (Brevo's largest removal), or to find some twenty
bad records among 100,000. When it is not enough, the request is wrong and not the records."""


def isolate(keys: Sequence[str], send: Callable[[slice], Results]) -> dict[str, str]:
    """Sends a batch; cuts it in two where it is refused as a whole, at most ceil(log2 n) + 1 levels deep.

    Args:
        keys: contact keys of the batch, in its order.
        send: sends the part of the batch at these places.

    Returns:
        contact key -> reason, for every record that was refused; all others were accepted.

    Raises:
        DestinationRefused: the platform goes on refusing after MOST_CALLS calls.
    """
    refused: dict[str, str] = {}
    parts = [slice(0, len(keys))] if keys else []
    calls = 0
    while parts:
        part = parts.pop()
        results = send(part)
        calls += 1
        refused |= results.refused
        if not results.refused_whole:
            continue
        if part.stop - part.start == 1:
            refused[keys[part.start]] = results.refused_whole
            continue
        if calls >= MOST_CALLS:
            raise DestinationRefused(f"{calls} calls for a batch of {len(keys)} refused, last: {results.refused_whole}")
        middle = (part.start + part.stop) // 2
        parts += [slice(middle, part.stop), slice(part.start, middle)]
    return refused
