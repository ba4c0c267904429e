#!/usr/bin/env bash
# What the interoperation tests install, and Haraka, under ATMOS_TEST_CACHE. Safe to run again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}
bash "$root/test/interop/setup.sh"

export PATH="$root/node_modules/.bin:$PATH"
lock_hash=$(sha256sum <"$here/haraka/package-lock.json" | cut -c1-16)
haraka=$cache/haraka-$lock_hash
if [ ! -e "$haraka/.ready" ]; then
  printf 'setup: installing Haraka into %s\n' "$haraka"
  rm -rf "$haraka"
  mkdir -p "$haraka"
  cp "$here/haraka/package.json" "$here/haraka/package-lock.json" "$here/haraka/.npmrc" "$haraka/"
  (cd "$haraka" && npm ci --ignore-scripts --omit=optional --no-fund --no-audit) >"$cache/haraka-npm.log" 2>&1 ||
    { tail -n 30 "$cache/haraka-npm.log" >&2; printf 'setup: npm ci of Haraka failed\n' >&2; exit 1; }
  touch "$haraka/.ready"
  find "$cache" -maxdepth 1 -name 'haraka-????????????????' ! -path "$haraka" -exec rm -rf {} +
fi
ln -sfn "$haraka" "$cache/haraka"
