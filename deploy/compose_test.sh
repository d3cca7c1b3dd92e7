#!/usr/bin/env bash
# docker-compose.yml in real containers: a study by two workers, one of which is killed.
#
# Needs Docker with its compose plugin and a running engine; or, as root on Debian:
#   apt-get install podman runc netavark aardvark-dns iptables catatonit debootstrap
#   pip install podman-compose
# Images that cannot be pulled are then made from Debian's packages, in a storage of this test's own,
# which is removed at the end; CONTAINERS_STORAGE_CONF names another one, which stays as it then is.
# COMPOSE_TEST_BUILD is added to the options of `podman build`, for a machine whose pip or apt needs
# more to reach its registry.
set -euo pipefail
cd "$(dirname "$0")/.."

PROJECT=fmsearch-test
TRIALS=40
FOLDER=$(mktemp -d /var/tmp/fmsearch-compose.XXXXXX)
IMAGES=(docker.io/library/debian:bookworm-slim docker.io/library/postgres:17-bookworm)
mkdir -p "$FOLDER"/{files,project/deploy}

say() { printf '%s %s\n' "$(date +%T)" "$*"; }
fail() {
    say "FAILED: $*"
    exit 1
}

if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    ENGINE=docker COMPOSE=(docker compose)
else
    [ "$(id -u)" = 0 ] || fail "no Docker engine, and podman is used as root"
    for tool in podman podman-compose runc debootstrap iptables; do
        command -v "$tool" >/dev/null || fail "no Docker engine and no $tool; see the top of $0"
    done
    ENGINE=podman COMPOSE=(podman-compose --in-pod=false)
    export CONTAINERS_CONF=$FOLDER/containers.conf
    export CONTAINERS_STORAGE_CONF=${CONTAINERS_STORAGE_CONF:-$FOLDER/storage.conf}
    # crun does not start on some cgroup layouts; the usual limits may be above what is allowed.
    cat >"$CONTAINERS_CONF" <<'EOF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
EOF
    cat >"$FOLDER/storage.conf" <<EOF
[storage]
driver = "overlay"
graphroot = "$FOLDER/storage"
runroot = "$FOLDER/run"
EOF
fi
say "engine: $($ENGINE --version)"

cp .env.example "$FOLDER/project"
cp deploy/make_secrets.py "$FOLDER/project/deploy"
rm -f "$FOLDER/project/.env"
python3 "$FOLDER/project/deploy/make_secrets.py"
cat >>"$FOLDER/project/.env" <<EOF
STUDY=proof
SPACE=proof.yaml
FMSEARCH_FILES=$FOLDER/files
WORKER_CPUS=1
WORKER_MEMORY=3g
MLFLOW_PUBLISHED_PORT=15000
DASHBOARD_PUBLISHED_PORT=18080
EOF
set -a && . "$FOLDER/project/.env" && set +a
cat >"$FOLDER/files/proof.yaml" <<EOF
name: proof
model: mlp
engine: optuna
score: {by: validation}
fixed: {hidden_units: 16, batch_size: 64, epochs: 3}
trials: $TRIALS
parameters: {dropout_rate: {float: [0.0, 0.5]}, learning_rate: {float: [0.001, 0.01], log: true}}
EOF
chmod -R a+rX "$FOLDER/files"
compose() { "${COMPOSE[@]}" --project-name $PROJECT --env-file "$FOLDER/project/.env" "$@"; }
container() { $ENGINE ps --all --format '{{.Names}}' | grep -E "^${PROJECT}[-_]$1[-_]${2:-1}$"; }

take_down() { # by force first: what is in the middle of a restart does not stop
    $ENGINE ps --all --quiet --filter "label=com.docker.compose.project=$PROJECT" |
        xargs --no-run-if-empty "$ENGINE" rm --force >>"$FOLDER/log" 2>&1 || true
    compose --profile study --profile dashboard down --volumes >>"$FOLDER/log" 2>&1 || true
}
clean_up() {
    code=$?
    say "taking all down"
    take_down
    if [ "${CONTAINERS_STORAGE_CONF:-}" = "$FOLDER/storage.conf" ]; then
        podman system reset --force >>"$FOLDER/log" 2>&1 || true
    fi
    if [ $code = 0 ]; then rm -rf "$FOLDER"; else say "what was said is in $FOLDER"; fi
    exit $code
}
trap clean_up EXIT
take_down # what an earlier test may have left

pullable() { [ $ENGINE = docker ] || timeout 60 podman pull --quiet "$1" >/dev/null 2>&1; }
present() { $ENGINE image inspect "$1" >/dev/null 2>&1; }

if ! present "${IMAGES[0]}" && ! pullable "${IMAGES[0]}"; then
    say "${IMAGES[0]} cannot be pulled: made by debootstrap"
    debootstrap --variant=minbase bookworm "$FOLDER/base" >>"$FOLDER/log"
    tar -C "$FOLDER/base" -c . | podman import - "${IMAGES[0]}" >>"$FOLDER/log" 2>&1
    rm -rf "$FOLDER/base"
fi
if ! present "${IMAGES[1]}" && ! pullable "${IMAGES[1]}"; then
    say "${IMAGES[1]} cannot be pulled: Debian's PostgreSQL stands in, with the same user, volume and start"
    mkdir -p "$FOLDER/postgres"
    cat >"$FOLDER/postgres/start.sh" <<'EOF'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?}"
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username=postgres --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -o "-c listen_addresses='' -c unix_socket_directories=/tmp" -w start
    for script in /docker-entrypoint-initdb.d/*.sh; do sh "$script"; done
    pg_ctl -m fast -w stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
EOF
    cat >"$FOLDER/postgres/Dockerfile" <<'EOF'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-15 \
    && install -d -o postgres -m 700 /var/lib/postgresql/data
ENV PGDATA=/var/lib/postgresql/data PGHOST=/tmp PATH=/usr/lib/postgresql/15/bin:$PATH
COPY start.sh /usr/local/bin/
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["sh", "/usr/local/bin/start.sh"]
CMD ["postgres"]
EOF
    podman build --network host -t "${IMAGES[1]}" "$FOLDER/postgres" >>"$FOLDER/log" 2>&1
fi

say "building the image"
if [ $ENGINE = docker ]; then
    docker compose build >>"$FOLDER/log" 2>&1
else
    # shellcheck disable=SC2086  # several options
    podman build --network host ${COMPOSE_TEST_BUILD:-} -t localhost/fmsearch:local . >>"$FOLDER/log" 2>&1
fi || fail "the image cannot be built"
say "image: $($ENGINE image inspect fmsearch:local --format '{{.Size}}') bytes"

healthy() { # waits for a service's own health check
    for _ in $(seq 120); do
        if [ $ENGINE = podman ]; then
            podman healthcheck run "$(container "$1")" >/dev/null 2>&1 && return
        else
            [ "$(docker inspect "$(container "$1")" --format '{{.State.Health.Status}}')" = healthy ] && return
        fi
        sleep 2
    done
    $ENGINE logs "$(container "$1")" 2>&1 | tail -20
    fail "$1 does not become healthy"
}
api() {
    curl --silent --show-error --user "$MLFLOW_USERNAME:$MLFLOW_PASSWORD" --header 'Content-Type: application/json' \
        "http://127.0.0.1:$MLFLOW_PUBLISHED_PORT/api/2.0/mlflow/$1" "${@:2}"
}
query() {
    $ENGINE exec "$(container postgres)" psql --username=postgres --dbname=ledger --tuples-only --no-align \
        --command="$1" 2>/dev/null
}
trials() { query "SELECT count(*) FROM trials WHERE state = '$1'" || echo 0; } # by the ledger

compose up --detach --no-build postgres >>"$FOLDER/log" 2>&1
healthy postgres
say "postgres is healthy"
compose up --detach --no-build mlflow >>"$FOLDER/log" 2>&1
healthy mlflow
say "mlflow is healthy"
code=$(curl --silent --output /dev/null --write-out '%{http_code}' \
    "http://127.0.0.1:$MLFLOW_PUBLISHED_PORT/api/2.0/mlflow/experiments/search?max_results=1")
[ "$code" = 401 ] || fail "without a password MLflow answers $code, not 401"
say "without a password MLflow answers 401"

compose up --no-build --no-deps accounts >>"$FOLDER/log" 2>&1 || fail "the account of the workers is not made"
say "the account of the workers is made"
compose up --detach --no-build --scale worker=2 worker >>"$FOLDER/log" 2>&1
compose --profile study run --rm --no-deps study >"$FOLDER/study.log" 2>&1 &
study=$!
until [ "$(trials COMPLETE)" -ge 3 ]; do
    kill -0 $study 2>/dev/null || { tail -20 "$FOLDER/study.log"; fail "the study ended too early"; }
    sleep 1
done
for number in 1 2; do
    here=$(container worker $number)
    $ENGINE exec "$here" sh -c '[ "$(id -u)" = 10001 ] && ! touch /opt/x 2>/dev/null && ! touch /x 2>/dev/null' ||
        fail "$here runs as root, or can write its image"
    $ENGINE exec "$here" python3 -c "
import socket, sys
try:
    socket.create_connection(('192.0.2.1', 80), timeout=3)  # an address for documentation
except OSError as error:
    sys.exit(0 if 'unreachable' in str(error) else f'not cut off: {error}')" || fail "$here has a way out"
done
ps -eww -o args | grep -v -E '^[^ ]*(podman|conmon|python[^ ]* [^ ]*podman-compose)' >"$FOLDER/processes"
say "workers run as user 10001, on a read-only image, without a route to the outside"

say "connections to the ledger, of two workers and the study: $(query "SELECT count(*) FROM pg_stat_activity WHERE usename = 'ledger'")"
say "memory: $($ENGINE stats --no-stream --format '{{.Name}} {{.MemUsage}}' | sed "s/^$PROJECT.//" | paste -sd';')"
killed=$(container worker 2)
until $ENGINE logs "$killed" 2>&1 | grep -q ' trial '; do
    kill -0 $study 2>/dev/null || fail "the study ended before worker 2 had a trial"
    sleep 0.5
done
$ENGINE kill --signal KILL "$killed" >/dev/null
say "killed $killed with $(trials COMPLETE) of $TRIALS trials complete, $(trials RUNNING) running"

wait $study || { tail -20 "$FOLDER/study.log"; fail "the study ended with an error"; }
say "study: $(grep -a -o 'best: .*' "$FOLDER/study.log")"
[ "$(trials COMPLETE)" = "$TRIALS" ] || fail "the ledger has $(trials COMPLETE) complete trials"
# What the killed one had not shipped waits in its folder.
compose --profile study run --rm --no-deps study sh -c \
    'for home in /homes/*; do FMSEARCH_HOME=$home fmsearch sync; done' >>"$FOLDER/log" 2>&1 || fail "sync"
say "the ledger has $(trials COMPLETE) complete trials; took part: $(
    for number in 1 2; do $ENGINE logs "$(container worker $number)" 2>&1 | grep -a -c '^\[.* trial ' || true; done | paste -sd' '
) by the workers"

experiment=$(api 'experiments/get-by-name?experiment_name=fmsearch' | python3 -c \
    'import json, sys; print(json.load(sys.stdin)["experiment"]["experiment_id"])')
api runs/search --data "{\"experiment_ids\": [\"$experiment\"], \"max_results\": 1000}" >"$FOLDER/runs.json"
python3 - "$FOLDER/runs.json" "$TRIALS" <<'EOF'
import collections, json, sys

runs = json.load(open(sys.argv[1]))["runs"]
kinds = collections.Counter(
    (next(tag["value"] for tag in run["data"]["tags"] if tag["key"] == "fmsearch.role"), run["info"]["status"])
    for run in runs
)
numbers = sorted(
    int(tag["value"]) for run in runs for tag in run["data"]["tags"] if tag["key"] == "fmsearch.trial"
)
print("runs by MLflow's API:", dict(kinds))
assert kinds == {("trial", "FINISHED"): int(sys.argv[2]), ("study", "FINISHED"): 1}, kinds
assert numbers == list(range(int(sys.argv[2]))), numbers
EOF
compose --profile study run --rm --no-deps study fmsearch doctor "$STUDY" --home /homes/doctor 2>&1 | tail -1

compose --profile dashboard up --detach --no-build dashboard >>"$FOLDER/log" 2>&1
for _ in $(seq 60); do
    studies=$(curl --silent "http://127.0.0.1:$DASHBOARD_PUBLISHED_PORT/api/studies") && break
    sleep 1
done
grep -q '"proof"' <<<"$studies" || fail "the dashboard does not show the study"
code=$(curl --silent --output /dev/null --write-out '%{http_code}' --header 'Host: evil.example' \
    "http://127.0.0.1:$DASHBOARD_PUBLISHED_PORT/api/studies")
[ "$code" = 403 ] || fail "called by another name the dashboard answers $code, not 403"
say "the dashboard shows the study, and answers by its own names alone"

say "size: $(query "SELECT string_agg(datname || ' ' || pg_size_pretty(pg_database_size(datname)), ', ' ORDER BY datname)
    FROM pg_database WHERE datname IN ('ledger', 'mlflow')"), artifacts $($ENGINE exec "$(container mlflow)" du -sh /artifacts | cut -f1)"

for service in postgres mlflow 'worker 1' 'worker 2' dashboard; do
    # shellcheck disable=SC2086  # name and number
    $ENGINE logs "$(container $service)" >>"$FOLDER/all.log" 2>&1
done
for secret in POSTGRES_PASSWORD LEDGER_PASSWORD MLFLOW_DB_PASSWORD MLFLOW_PASSWORD MLFLOW_WORKER_PASSWORD MLFLOW_SECRET_KEY; do
    ! grep -q -F -e "${!secret}" "$FOLDER/all.log" "$FOLDER/study.log" "$FOLDER/runs.json" "$FOLDER/processes" ||
        fail "$secret stands in a log, a run or the list of processes"
done
say "no secret in logs, runs and lists of processes"
say "passed, after $SECONDS s"
