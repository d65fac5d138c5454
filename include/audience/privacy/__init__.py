"""Consent, suppression, pseudonyms and the gate: the only room that hands out addresses to write to."""
