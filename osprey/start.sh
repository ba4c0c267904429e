#!/bin/sh
# In the image: the rules of ATMOS_OSPREY_RULES as Osprey reads them, then its worker. Other rules: start it again.
set -eu
python=/osprey/.venv/bin/python
OSPREY_RULES_PATH=$(mktemp -d)/rules
export OSPREY_RULES_PATH
"$python" -m atmos_osprey.rules "${ATMOS_OSPREY_RULES:-/rules}" "$OSPREY_RULES_PATH"
exec "$python" /osprey/osprey_worker/src/osprey/worker/cli/sinks.py run-rules-sink
