#!/usr/bin/env bash
# The Go programs of the interoperation tests, built into the cache: Jetstream, Tap of indigo, and go/submit, which
# submits a message with Go's net/smtp. Versions and sums are those of go/go.mod and go/go.sum. setup.sh sources this;
# it uses say, die, need_packages, here and cache.

go_lock=$(cat "$here/go/go.mod" "$here/go/go.sum" "$here/go/submit/main.go" | sha256sum | cut -c1-16)
go_programs=$cache/go-$go_lock
go_wanted=$(sed -n 's/^go //p' "$here/go/go.mod")
# What Debian's older Go fetches, as a module, where no other is found.
go_toolchain=1.26.8

# Whether $1 is the command of a Go that is new enough.
go_suffices() {
  local version
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$go_wanted" "${version#go}" | sort -V | head -n 1)" = "$go_wanted" ]
}

# Prints the command of a Go that is new enough: the one on PATH, or one that is fetched through the module proxy.
find_go() {
  local directory
  if go_suffices go; then
    command -v go
    return
  fi
  directory=$(cd / && GOFLAGS=-modcacherw /usr/bin/go mod download -json \
    "golang.org/toolchain@v0.0.1-go$go_toolchain.linux-$(dpkg --print-architecture)" | sed -n 's/^\t"Dir": "\(.*\)",\?$/\1/p')
  [ -n "$directory" ] || return 1
  # A module's archive keeps no modes.
  chmod -R a+x "$directory/bin" "$directory/pkg/tool"
  printf '%s\n' "$directory/bin/go"
}

build_go_programs() {
  local into=$1 go
  go=$(find_go) || return 1
  export GOTOOLCHAIN=local GOWORK=off GOFLAGS="-modcacherw -mod=readonly -trimpath -buildvcs=false"
  "$go" version && cd "$here/go" || return 1
  # Only Tap needs C, for SQLite.
  CGO_ENABLED=0 "$go" build -o "$into/" github.com/bluesky-social/jetstream/cmd/jetstream ./submit || return 1
  CGO_ENABLED=1 "$go" build -o "$into/" github.com/bluesky-social/indigo/cmd/tap
}

if [ -e "$go_programs/.ready" ]; then
  say "Jetstream, Tap and submit: present"
else
  go_packages=(gcc libc6-dev)
  go_suffices go || go_packages+=(golang-go)
  need_packages "${go_packages[@]}"
  say "building Jetstream, Tap and submit into $go_programs"
  rm -rf "$go_programs" "$cache/go-work"
  mkdir -p "$go_programs"
  # Modules and objects are not kept.
  (export GOPATH=$cache/go-work/path GOCACHE=$cache/go-work/objects && build_go_programs "$go_programs") \
    >"$cache/go.log" 2>&1 ||
    { tail -n 30 "$cache/go.log" >&2; die "Jetstream, Tap and submit could not be built; see $cache/go.log"; }
  rm -rf "$cache/go-work"
  touch "$go_programs/.ready"
  find "$cache" -maxdepth 1 -name 'go-????????????????' ! -path "$go_programs" -exec rm -rf {} +
fi
ln -sfn "$go_programs" "$cache/go"
