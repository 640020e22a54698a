#!/usr/bin/env bash
# Runs a scenario and compares its transcript with the golden one beside it.
#   scenario.sh SIM FILE.txt            UPDATE=1 writes the golden one anew
set -euo pipefail
sim=$1 scenario=$2 golden=${2%.txt}.golden
transcript=$(mktemp)
trap 'rm -f "$transcript"' EXIT
"$sim" --scenario="$scenario" > "$transcript" || { tail -n 30 "$transcript"; exit 1; }
if [ "${UPDATE:-}" = 1 ]; then
    cp "$transcript" "$golden"
    exit 0
fi
diff -u "$golden" "$transcript"
