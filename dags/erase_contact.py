"""# Erase a person from every store

**Reads** the request that `audience erase request` noted: who is meant, as keys. The form takes the number of the request and
nothing else: Airflow keeps what is typed here, so an address must never be.

**Writes** lake, warehouse, each platform and, last, the vault: nothing of the person is left there; `privacy.erasure_receipt`
says for each store what was there. What stays is a keyed hash that keeps the person from being contacted or published again.

**If it fails** clear the failed task: each store is looked through again, and what is gone stays gone. A platform that is at
work, or being pushed to, is looked at again each minute without holding a worker. Until the vault is emptied it keeps the
address, because platforms are told by it; nothing is sent to it from the request on.

**To redo** trigger it with the same number; `audience erase status` shows requests and receipts.
"""

import os

from airflow.sdk import DAG, Param, chain

from audience.activation import destinations
from audience.orchestration.defaults import dag_arguments
from audience.orchestration.forgetting import end_erasure, erase_stores, erase_there

NAMES = destinations.in_use(os.environ)

with DAG(
    dag_id="erase_contact",
    dag_display_name="Erase a person",
    schedule=None,
    max_active_runs=1,
    # Who asked to be erased should not wait because somebody forgot to switch this on.
    is_paused_upon_creation=False,
    params={
        "request": Param(type="string", pattern="^[0-9a-f]{16}$", description="number of the request; never an address")
    },
    **dag_arguments(__doc__),
):
    there = [erase_there.override(task_id=f"erase_{name}", pool=name)(name) for name in NAMES]
    chain(erase_stores(), there, end_erasure(NAMES))
