"""Fuzzy matching: which records may be one person although no identifier says so.

declaration  the rules: how pairs are found (blocks), compared (comparisons) and judged (thresholds)
people       the rules for people
forms        the compared values: one spelling for what is written in many ways, nothing for placeholders
nicknames    given names that stand for another
blocking     pairs of records that share a block; blocks that are too large are set aside and counted
encoding     values as numbers, so that a pair is two numbers
levels       how alike two values are: names, dates, texts, addresses of mail
training     what each level is worth, learned without labels
model        what was learned: frozen, versioned, JSON
scoring      the pairs worth a look, with what each comparison said
keyed        numbers that stand for values where they are kept
increment    the pairs that may be others than on another day

    model = train(session, records, PEOPLE)
    pairs = scored_pairs(session, records, model)   # every pair at or above the review threshold

A pair's score depends on the two records and the model only, never on other records: that is what makes daily
increments add up to the same pairs as one batch. The Fellegi-Sunter model is that of Fellegi and Sunter, "A Theory for
Record Linkage", JASA 64 (1969); learning it without labels is Winkler's use of expectation-maximisation (1988).
"""

from audience.identity.fuzzy.declaration import Block, Comparison, Rules
from audience.identity.fuzzy.model import TrainedModel
from audience.identity.fuzzy.people import PEOPLE
from audience.identity.fuzzy.scoring import scored_pairs
from audience.identity.fuzzy.training import train

__all__ = ["PEOPLE", "Block", "Comparison", "Rules", "TrainedModel", "scored_pairs", "train"]
