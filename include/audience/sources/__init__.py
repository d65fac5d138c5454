"""Sources: one file here is one source; the folder is the registry.

A source file declares `SOURCE`, a `contract.Source`: which streams to fetch and how a record becomes rows of canonical
entities. Everything else (windows, staging, typing, quarantine, audits, publication, DAG, CLI) follows from it.
"""
