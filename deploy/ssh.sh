#!/usr/bin/env bash
# One worker on each of several hosts, which goes on when the connection ends:
#   deploy/ssh.sh STUDY HOST…
# Each host has fmsearch on its PATH and ~/.config/fmsearch.env (mode 600) with the settings.
set -euo pipefail
study=${1:?usage: deploy/ssh.sh STUDY HOST…}
shift
[[ $study =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ ]] || { echo "no name of a study: $study" >&2; exit 2; }
for host in "$@"; do
    # Single quotes: what is to be done there is worked out there.
    # shellcheck disable=SC2016
    ssh -n -- "$host" 'study='"$study"'
        set -ae; . ~/.config/fmsearch.env; set +a
        mkdir -p ~/fmsearch
        FMSEARCH_HOME=~/fmsearch setsid nohup fmsearch worker --study "$study" --wait 10m \
            >~/fmsearch/"$study".log 2>&1 </dev/null &'
    echo "$host: started; it says what it does in ~/fmsearch/$study.log"
done
