# One image for the workers, the MLflow server and the dashboard of docker-compose.yml.

FROM debian:bookworm-slim AS requirements
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates dataset-fashion-mnist python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY setup.cfg .
RUN python3 -c "import configparser; c = configparser.ConfigParser(); c.read('setup.cfg'); \
print(c['options']['install_requires'], c['options.extras_require']['postgresql'], \
c['options.extras_require']['server'])" > requirements.txt

# The libraries and the data set, which take nearly all of the time, apart from the code.
FROM requirements AS libraries
RUN python3 -m venv /opt/fmsearch
ENV PATH=/opt/fmsearch/bin:$PATH FMSEARCH_CACHE=/opt/data
WORKDIR /libraries
COPY --from=requirements requirements.txt .
COPY constraints.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r requirements.txt

FROM libraries AS code
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --disable-pip-version-check --no-deps --wheel-dir /wheel .

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp fmsearch \
    && install -d -o fmsearch -g fmsearch /artifacts /homes
ENV PATH=/opt/fmsearch/bin:$PATH FMSEARCH_CACHE=/opt/data HOME=/tmp PYTHONUNBUFFERED=1 \
    MLFLOW_DISABLE_TELEMETRY=true
COPY --from=libraries /opt/fmsearch /opt/fmsearch
# Copied, as not every engine builds anew when only what is mounted has changed.
COPY --from=code /wheel /wheel
RUN --mount=type=bind,from=libraries,source=/usr/share/datasets,target=/usr/share/datasets \
    pip install --no-cache-dir --disable-pip-version-check --no-deps /wheel/*.whl \
    && fmsearch data --fetch
USER 10001:10001
WORKDIR /tmp
CMD ["fmsearch", "--help"]
