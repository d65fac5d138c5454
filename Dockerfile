# The image of every Python service in docker-compose.yml.
#
# `slim` is Airflow without the 30 providers of the full image: those pin versions that requirements.txt moves away from.
FROM apache/airflow:slim-3.3.2-python3.11

COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt && pip check

# The folders of the volumes, owned by the user of the image: a new named volume takes the owner over.
USER root
RUN install --directory --owner=airflow --group=root --mode=0775 /opt/audience /opt/audience/lake /opt/audience/sandbox
USER airflow

WORKDIR /opt/airflow
COPY --chown=airflow:root pyproject.toml README.md ./
COPY --chown=airflow:root include include
COPY --chown=airflow:root dags dags
COPY --chown=airflow:root plugins plugins

# Editable: the code is in one place, and the package gives its command `audience` and its connection types.
RUN pip install --no-cache-dir --no-deps --editable .

ENV PYTHONPATH=/opt/airflow/include
ENV AIRFLOW__CORE__LOAD_EXAMPLES=False
