#!/usr/bin/env bash
# The peers of bench/inspect: Sisimai from Debian, parsedmarc in an environment of its own. Safe to run again.
set -euo pipefail

cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}
parsedmarc=11.1.0
[ "$(id -u)" = 0 ] || { printf 'setup: needs root: it installs Debian packages\n' >&2; exit 1; }
status=$(dpkg-query -W -f '${db:Status-Status} ' libsisimai-perl python3-venv 2>/dev/null || true)
if [ "$status" != "installed installed " ]; then
  apt-get -o DPkg::Lock::Timeout=300 update -qq
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends \
    libsisimai-perl python3-venv
fi
venv=$cache/parsedmarc-$parsedmarc
if [ ! -e "$venv/.ready" ]; then
  printf 'setup: installing parsedmarc into %s\n' "$venv"
  rm -rf "$venv"
  mkdir -p "$cache"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "parsedmarc==$parsedmarc"
  touch "$venv/.ready"
fi
ln -sfn "$venv" "$cache/parsedmarc"
