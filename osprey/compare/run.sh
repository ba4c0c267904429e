#!/usr/bin/env bash
# Does real Osprey say what the embedded engine says? README.md, "How it was compared". Arguments go to run.ts.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
export OSPREY_SOURCE=$(cd "${OSPREY_SOURCE:?set OSPREY_SOURCE to a checkout of roostorg/osprey 1.1.0}" && pwd)
bash osprey/compare/setup.sh >&2
cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}
(cd osprey && DD_TRACE_ENABLED=False DD_DOGSTATSD_DISABLE=True "$cache/osprey-worker-python/bin/python" -m gevent.monkey --module unittest discover -t . -s tests_with_osprey)
exec node_modules/.bin/node --no-memory-protection-keys osprey/compare/run.ts "$@"
