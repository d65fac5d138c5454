"""A system that answers by a script: each place has a list of answers, of which the last is repeated."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from answering import Answer, Asked, answering
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Script = dict[str, list[Answer | Callable[[Asked], Answer]]]


@dataclass
class Scripted:
    """The running system, and what it was asked."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)

    def asked_at(self, place: str) -> list[Asked]:
        return [a for a in self.asked if a.place == place]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Answers `POST /token` with `script["POST /token"]`, one after the other; an unknown place with 404."""
    system, lock = Scripted(), threading.Lock()
    left = {place: list(answers) for place, answers in script.items()}

    def answer(asked: Asked) -> Answer:
        with lock:
            system.asked.append(asked)
            answers = left.get(asked.place, [Answer({}, 404)])
            told = answers.pop(0) if len(answers) > 1 else answers[0]
        return told if isinstance(told, Answer) else told(asked)

    with answering(answer) as system.url:
        yield system


@cache
def private_key() -> str:
    """An RSA key in PEM, a new one in each process: none is kept in the repository."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
