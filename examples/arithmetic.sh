#!/usr/bin/env bash
# The five stages on generated arithmetic, with simulated teachers and a real student: no key, no hub.
#   examples/arithmetic.sh [RUN_DIR]
set -euo pipefail
export MAGDI_RUN_DIR=${1:-runs/demo}

magdi debate --task arithmetic --limit 120 --rounds 1 \
    --teachers "ada=sim?accuracy=0.85,ben=sim?accuracy=0.75,cy=sim?accuracy=0.65&failure=0.02"
magdi build-graph
magdi distill --level graph --epochs 2
magdi evaluate --student base --max-tokens 128
magdi evaluate --max-tokens 128
magdi efficiency

echo
echo "student: $MAGDI_RUN_DIR/students/graph (a PEFT adapter)"
