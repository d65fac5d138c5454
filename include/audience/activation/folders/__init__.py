"""Lists as CSV files in a folder: on this machine, in an object store, or behind SFTP."""

from audience.activation.destination import Capabilities

CAPABILITIES = Capabilities(
    upsert_batch=50_000,  # a batch is a part, and a list's parts are read again when it is published
    add_batch=50_000,
    remove_batch=50_000,
    base_list="audience",
    knows_by_key=True,
)
