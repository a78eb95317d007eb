#!/usr/bin/env bash
# A worker of a training on SLURM, one task a node:
#   sbatch --nodes=4 --ntasks-per-node=1 --wrap 'srun examples/slurm_worker.sh --problems=all --source=files ...'
# The arguments are those of t2t-train.
set -euo pipefail

TF_CONFIG=$(python3 - <<'PYTHON'
import json
import os
import subprocess

names = subprocess.check_output(["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]], text=True)
workers = [f"{name}:{os.environ.get('T2T_PORT', '2222')}" for name in names.split()]
task = {"type": "worker", "index": int(os.environ["SLURM_NODEID"])}
print(json.dumps({"cluster": {"worker": workers}, "task": task}))
PYTHON
)
export TF_CONFIG
exec t2t-train --strategy=multiworker "$@"
