"""`make demo`: the whole way from source systems to the e-mail platform, on this machine, with real Airflow.

Starts an embedded PostgreSQL, the sandbox and Airflow, loads a year of history, backfills the last seven days, trains,
pushes, and compares the platform's lists with the segment tables. Everything it makes lies below `.run/demo`.
"""
