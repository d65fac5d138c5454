"""Which code made a model: changes when this room or scikit-learn changes, so that a rerun knows whether it repeats."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def code_version() -> str:
    """A hash of the source files of this room and the version of scikit-learn."""
    digest = hashlib.sha256(version("scikit-learn").encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]
