#!/usr/bin/env bash
# The peer of bench/rules: the engine of Osprey from its repository, with the Python packages that evaluation needs.
# Safe to run again. Without the repository (ATMOS_OSPREY names a copy of it) the benchmark measures ours alone.
set -euo pipefail

cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}
release=1.1.0
osprey=$cache/osprey-$release
venv=$cache/osprey-$release-python
mkdir -p "$cache"
if [ ! -d "$osprey/osprey_worker" ]; then
  if [ -n "${ATMOS_OSPREY:-}" ]; then
    cp -r "$ATMOS_OSPREY" "$osprey"
  elif ! git clone -q --depth 1 --branch "$release" https://github.com/roostorg/osprey "$osprey"; then
    printf 'setup: Osprey %s cannot be had: set ATMOS_OSPREY to a copy of its repository\n' "$release" >&2
    exit 0
  fi
fi
if [ ! -e "$venv/.ready" ]; then
  printf 'setup: installing what Osprey needs into %s\n' "$venv" >&2
  rm -rf "$venv"
  python3.11 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$(dirname "$0")/peer-requirements.txt"
  touch "$venv/.ready"
fi
