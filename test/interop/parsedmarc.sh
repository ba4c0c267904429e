#!/usr/bin/env bash
# parsedmarc, a reader of TLS reports, in a Python environment of its own in the cache, as parsedmarc/requirements.txt pins it.
# setup.sh sources this; it uses say, die, need_packages, here and cache.

parsedmarc_lock=$(sha256sum <"$here/parsedmarc/requirements.txt" | cut -c1-16)
parsedmarc=$cache/parsedmarc-$parsedmarc_lock
if [ -e "$parsedmarc/.ready" ]; then
  say "parsedmarc: present"
else
  need_packages python3-venv
  say "installing parsedmarc into $parsedmarc"
  rm -rf "$parsedmarc"
  { /usr/bin/python3 -m venv "$parsedmarc" &&
    "$parsedmarc/bin/pip" install -q --disable-pip-version-check --no-deps \
      -r "$here/parsedmarc/requirements.txt" &&
    "$parsedmarc/bin/python" -c 'import parsedmarc'; } >"$cache/parsedmarc.log" 2>&1 ||
    { tail -n 30 "$cache/parsedmarc.log" >&2; die "parsedmarc could not be installed; see $cache/parsedmarc.log"; }
  touch "$parsedmarc/.ready"
  find "$cache" -maxdepth 1 -name 'parsedmarc-????????????????' ! -path "$parsedmarc" -exec rm -rf {} +
fi
ln -sfn "$parsedmarc" "$cache/parsedmarc"
