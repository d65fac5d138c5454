"""Numbers that stand for values where they are kept: without the key nobody can tell which value gave which."""

import hmac
from collections.abc import Iterator

import duckdb
import numpy as np
import numpy.typing as npt

from audience.core.masked import Secret
from audience.identity.fuzzy.blocking import Numbers

_AT_ONCE = 1 << 15
"""Numbers whose intermediate results stay within a processor's cache."""

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)

State = list[Numbers]


def number_key(key: Secret) -> bytes:
    """The key of `keyed`, 16 bytes. The engine's version is in it: another version may number the same text otherwise."""
    return hmac.digest(key.reveal().encode(), f"match state, DuckDB {duckdb.__version__}".encode(), "sha256")[:16]


def keyed(numbers: Numbers, key: bytes) -> Numbers:
    """SipHash-2-4 of each number, as a message of eight bytes (Aumasson and Bernstein, 2012); 0, for nothing, stays 0."""
    found = np.empty_like(numbers)
    low, high = (np.uint64(int.from_bytes(half, "little")) for half in (key[:8], key[8:]))
    for part in _parts(len(numbers)):
        found[part] = _siphash(numbers[part], low, high)
    found[numbers == 0] = 0
    return found


def _parts(count: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE))


def _siphash(message: Numbers, low: np.uint64, high: np.uint64) -> Numbers:
    v = [
        np.full(len(message), np.uint64(word) ^ half) for word, half in zip(_START, (low, high, low, high), strict=True)
    ]
    # The last word of a message holds its length in bytes.
    for word in (message, np.full(len(message), np.uint64(8 << 56))):
        v[3] ^= word
        _mix(v, rounds=2)
        v[0] ^= word
    v[2] ^= np.uint64(0xFF)
    _mix(v, rounds=4)
    found: npt.NDArray[np.uint64] = v[0] ^ v[1] ^ v[2] ^ v[3]
    return found


def _mix(v: State, *, rounds: int) -> None:
    for _ in range(rounds):
        for one, other, bits, last in ((0, 1, 13, 32), (2, 3, 16, 0), (0, 3, 21, 0), (2, 1, 17, 32)):
            v[one] += v[other]
            v[other] = _turned(v[other], bits) ^ v[one]
            if last:
                v[one] = _turned(v[one], last)


def _turned(numbers: Numbers, bits: int) -> Numbers:
    found: Numbers = (numbers << np.uint64(bits)) | (numbers >> np.uint64(64 - bits))
    return found
