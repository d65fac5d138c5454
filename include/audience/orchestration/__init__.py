"""The only room that imports Airflow: assets, defaults, the house inside a task, and the tasks themselves."""
