#!/usr/bin/env bash
# maddy, built into the cache. Versions and sums are those of maddy/go.mod and maddy/go.sum. setup.sh sources this after
# go.sh, whose go_suffices and find_go it uses.

maddy_lock=$(cat "$here/maddy/go.mod" "$here/maddy/go.sum" | sha256sum | cut -c1-16)
maddy_program=$cache/maddy-$maddy_lock

build_maddy() {
  local into=$1 go
  go=$(find_go) || return 1
  export GOTOOLCHAIN=local GOWORK=off GOFLAGS="-modcacherw -mod=readonly -trimpath -buildvcs=false"
  "$go" version && cd "$here/maddy" || return 1
  # Without C its SQLite is one written in Go; providers of DNS are left out.
  CGO_ENABLED=0 "$go" build -tags libdns_separate -o "$into/" github.com/foxcpp/maddy/cmd/maddy
}

if [ -e "$maddy_program/.ready" ]; then
  say "maddy: present"
else
  go_suffices go || need_packages golang-go
  say "building maddy into $maddy_program"
  rm -rf "$maddy_program" "$cache/maddy-work"
  mkdir -p "$maddy_program"
  # Modules and objects are not kept.
  (export GOPATH=$cache/maddy-work/path GOCACHE=$cache/maddy-work/objects && build_maddy "$maddy_program") \
    >"$cache/maddy.log" 2>&1 ||
    { tail -n 30 "$cache/maddy.log" >&2; die "maddy could not be built; see $cache/maddy.log"; }
  rm -rf "$cache/maddy-work"
  touch "$maddy_program/.ready"
  find "$cache" -maxdepth 1 -name 'maddy-????????????????' ! -path "$maddy_program" -exec rm -rf {} +
fi
ln -sfn "$maddy_program" "$cache/maddy"
