#!/usr/bin/env bash
# Haraka, with the plugins that the list's settings need, in the cache, as haraka/package-lock.json pins it. No install script
# runs: what is used here is not compiled. setup.sh sources this; it uses say, die, here and cache.

haraka_lock=$(sha256sum <"$here/haraka/package-lock.json" | cut -c1-16)
haraka=$cache/haraka-$haraka_lock
if [ -e "$haraka/.ready" ]; then
  say "Haraka: present"
else
  say "installing Haraka into $haraka"
  rm -rf "$haraka"
  mkdir -p "$haraka"
  cp "$here/haraka/package.json" "$here/haraka/package-lock.json" "$here/haraka/.npmrc" "$haraka/"
  (cd "$haraka" && npm ci --ignore-scripts --omit=optional --no-fund --no-audit) >"$cache/haraka-npm.log" 2>&1 ||
    { tail -n 30 "$cache/haraka-npm.log" >&2; die "npm ci of Haraka failed; see $cache/haraka-npm.log"; }
  node "$haraka/node_modules/Haraka/bin/haraka" -v >/dev/null || die "Haraka does not run in Node $(node --version)"
  touch "$haraka/.ready"
  find "$cache" -maxdepth 1 -name 'haraka-????????????????' ! -path "$haraka" -exec rm -rf {} +
fi
ln -sfn "$haraka" "$cache/haraka"
