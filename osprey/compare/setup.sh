#!/usr/bin/env bash
# Real Osprey for the comparison: what its checkout (OSPREY_SOURCE) names, with this plugin, in a virtual environment of its
# own in the cache. Safe to run again. Left out of what Osprey names: gunicorn, pytest and stubs of types; of greenlet and
# jsonpath-rw the released packages are taken instead of its forks.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}
source=${OSPREY_SOURCE:?set OSPREY_SOURCE to a checkout of roostorg/osprey 1.1.0}
venv=$cache/osprey-worker-python
state=$(cat "$source/pyproject.toml" "${BASH_SOURCE[0]}" | sha256sum)
if [ "$(cat "$venv/.ready" 2>/dev/null)" != "$state" ]; then
  rm -rf "$venv"
  python3.11 -m venv "$venv"
  python3.11 - "$source/pyproject.toml" >"$venv/requirements.txt" <<'PYTHON'
import sys, tomllib

with open(sys.argv[1], "rb") as file:
    common = tomllib.load(file)["dependency-groups"]["common"]
left_out = ("types-", "gunicorn", "pytest", "faker")
print(*(one for one in common if not one.startswith(left_out)), "flask-cors>=6.0.1", sep="\n")
PYTHON
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$venv/requirements.txt"
  printf '%s' "$state" >"$venv/.ready"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source/osprey_rpc" "$source/osprey_worker" "$work"
mkdir "$work/plugin"
cp -r "$here/../pyproject.toml" "$here/../atmos_osprey" "$work/plugin"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$work/osprey_rpc" "$work/osprey_worker"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$work/plugin"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$work/plugin"
