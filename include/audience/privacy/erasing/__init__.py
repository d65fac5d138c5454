"""Erasure: everything that is held about somebody goes, store by store, and leaves a receipt.

request     who is meant, as keys; the request, its receipts and its end
subject     from an address or a person to every key that their rows are found by
lake        raw tables, quarantine, computed tables
warehouse   consent ledger, segments, push ledger; at the very end the vault
tombstones  what keeps rows of somebody who was erased from being published again
retention   how long what is kept, and who is to be forgotten

An address enters through `request` alone, and leaves it as a keyed hash. The vault goes last: platforms are told by the
address that it holds.
"""
