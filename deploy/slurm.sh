#!/usr/bin/env bash
# A Slurm array: each task is one worker of a study that exists, or will within 10 minutes.
#   sbatch --array=1-8 deploy/slurm.sh STUDY
#SBATCH --job-name=fmsearch
#SBATCH --cpus-per-task=2
#SBATCH --mem=3G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
set -euo pipefail
study=${1:?usage: sbatch --array=1-8 deploy/slurm.sh STUDY}
set -a
. "${FMSEARCH_SETTINGS:-$HOME/.config/fmsearch.env}" # addresses and passwords; mode 600
set +a
# The same folder after a requeue: what has not been shipped yet is shipped then.
export FMSEARCH_HOME="${FMSEARCH_HOMES:-$HOME/fmsearch}/$SLURM_ARRAY_JOB_ID-$SLURM_ARRAY_TASK_ID"
# One core for each trainer but one, which the coordinator has.
jobs=$((SLURM_CPUS_PER_TASK > 1 ? SLURM_CPUS_PER_TASK - 1 : 1))
exec fmsearch worker --study "$study" --wait 10m --jobs "$jobs"
