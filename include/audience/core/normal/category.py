"""Categories: one of a few declared words, whoever wrote it."""

import re
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

Synonyms = tuple[tuple[str, str], ...]
"""Other words and what they stand for, both in their normal form."""


def category_of(text: str, one_of: Sequence[str], synonyms: Synonyms = ()) -> str:
    """The definition, for one text: `Hard Bounce` is `hard_bounce`; a text of no category is only folded."""
    if text in one_of:
        return text
    folded = re.sub(r"[ \t_-]+", "_", text.strip(" \t")).translate(_LOWER)
    return dict(synonyms).get(folded, folded)


def category(text: ir.StringValue, one_of: Sequence[str], synonyms: Synonyms = ()) -> ir.StringValue:
    """The same of a column."""
    folded = text.re_replace(r"^[ \t]+|[ \t]+$", "").re_replace(r"[ \t_-]+", "_").translate(_UPPER, _UPPER.lower())
    named = ibis.cases(*((folded == word, meant) for word, meant in synonyms), else_=folded) if synonyms else folded
    return text.isin(one_of).ifelse(text, named)


_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = str.maketrans(_UPPER, _UPPER.lower())
