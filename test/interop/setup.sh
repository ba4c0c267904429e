#!/usr/bin/env bash
# Installs the real servers that the interoperation tests talk to. Safe to run again: a second run
# only looks. Everything but Debian's packages goes under ATMOS_TEST_CACHE, outside the tree.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${ATMOS_TEST_CACHE:-$HOME/.cache/atmosphere-mail-test}

# Bump when the recipe of a root changes.
postfix_recipe=1
postfix_packages=(postfix libsasl2-modules sasl2-bin dash coreutils sed grep mawk findutils diffutils)
exim_recipe=1
exim_packages=(exim4-daemon-light dash coreutils)
opensmtpd_recipe=2
opensmtpd_packages=(opensmtpd opensmtpd-filter-rspamd dash coreutils)
# The OpenSMTPD of Debian 12 can do no TLS with the OpenSSL of Debian 12 (OpenSMTPD issue 1171).
opensmtpd_suite=trixie

apt_packages=(
  unbound opendkim opendkim-tools miltertest python3-dkim python3-nacl python3-dnspython swaks curl libnet-ssleay-perl bind9-dnsutils strace openssl sqlite3
  chromium fonts-dejavu nsd ldnsutils pebble
  rbldnsd rsync knot knot-dnssecutils pdns-server pdns-backend-bind bind9 bind9-utils rspamd spamassassin redis-server
)

started=$SECONDS
say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# --- one setup at a time ------------------------------------------------------------------------
[ "$(id -u)" = 0 ] || die "needs root: it installs Debian packages, and Postfix runs in a chroot"
command -v apt-get >/dev/null || die "needs Debian's apt-get; this harness is written for Debian 12"
mkdir -p "$cache"
exec 9>"$cache/.lock"
flock -w 1200 9 || die "another setup has held $cache/.lock for twenty minutes"

# --- Node: the project's own, which will run what is installed ------------------------------------
export PATH="$root/node_modules/.bin:$PATH"
case $(node --version 2>/dev/null) in
  v2[4-9].* | v[3-9]?.*) ;;
  *) die "no Node 24 in node_modules; run 'npm ci' in $root first" ;;
esac

# --- Debian packages, with no service started -----------------------------------------------------
policy=/usr/sbin/policy-rc.d
policy_kept=
restore_policy() {
  [ -n "$policy_kept" ] || return 0
  rm -f "$policy"
  if [ -e "$policy_kept/policy-rc.d" ]; then mv "$policy_kept/policy-rc.d" "$policy"; fi
  rm -rf "$policy_kept"
  policy_kept=
}
trap restore_policy EXIT

start_no_services() {
  policy_kept=$(mktemp -d)
  if [ -e "$policy" ]; then mv "$policy" "$policy_kept/"; fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

apt_updated=
apt_update() {
  [ -z "$apt_updated" ] || return 0
  say "apt-get update"
  apt-get -o DPkg::Lock::Timeout=300 update -qq || die "apt-get update failed; are Debian's mirrors reachable?"
  apt_updated=1
}

# Installs those of the packages that are not there.
need_packages() {
  local package status missing=()
  for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt_update
  say "installing ${missing[*]}"
  start_no_services
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends \
    install "${missing[@]}" >"$cache/apt.log" 2>&1 ||
    { tail -n 30 "$cache/apt.log" >&2; die "apt-get install failed; the whole output is in $cache/apt.log"; }
  restore_policy
}

need_packages "${apt_packages[@]}"
say "Debian packages: present"

# --- mail servers, each in a root of its own: as packages they conflict with one another --------------
# apt resolves the packages' whole closure against an empty status file; nothing is configured.
# passwd and group come in as text, on standard input, with a line of --- between. Where `suite` is set, the packages
# are those of that suite, from the machine's own mirror.
unpack_root() {
  local into=$1 work=$2 deb directory mirror
  shift 2
  mkdir -p "$work/archives/partial" "$work/lists/partial"
  : >"$work/status"
  local apt=(apt-get -qq -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives"
    -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  if [ -n "${suite:-}" ]; then
    mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | sed -n '/ bookworm$/{s/ .*//;p;q}')
    [ -n "$mirror" ] || { echo "which mirror has Debian 12 here cannot be told" >&2; return 1; }
    echo "deb $mirror $suite main" >"$work/sources.list"
    apt+=(-o Dir::State::lists="$work/lists" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=-
      -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
    "${apt[@]}" update || return 1
  fi
  "${apt[@]}" -y --no-install-recommends --download-only install "$@" >"$work/apt.log" 2>&1 ||
    { cat "$work/apt.log" >&2; return 1; }
  mkdir -p "$into"/usr/{bin,sbin,lib,lib64}
  for directory in bin sbin lib lib64; do ln -s "usr/$directory" "$into/$directory"; done
  for deb in "$work"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$into" || return 1
  done
  cat >"$work/accounts"
  sed '/^---$/,$d' "$work/accounts" >"$into/etc/passwd"
  sed '1,/^---$/d' "$work/accounts" >"$into/etc/group"
  printf '127.0.0.1 localhost\n' >"$into/etc/hosts"
  printf 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n' >"$into/etc/nsswitch.conf"
  : >"$into/etc/resolv.conf"
  [ -e "$into/usr/bin/sh" ] || ln -s dash "$into/usr/bin/sh"
  mkdir -p "$into"/{proc,dev,tmp,instance}
  ldconfig -r "$into"
}

make_postfix_root() {
  local into=$1
  unpack_root "$into" "$2" "${postfix_packages[@]}" <<-'EOF' || return 1
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	postfix:x:2525:2525::/var/spool/postfix:/usr/sbin/nologin
	mailbox:x:2527:2527::/instance:/usr/sbin/nologin
	---
	root:x:0:
	sasl:x:2528:postfix
	postfix:x:2525:
	postdrop:x:2526:
	mailbox:x:2527:
	nogroup:x:65534:
	EOF
  printf 'compatibility_level = 3.6\n' >"$into/etc/postfix/main.cf"
  : >"$into/etc/postfix/master.cf"
  chgrp 2526 "$into"/usr/sbin/{postqueue,postdrop} && chmod g+s "$into"/usr/sbin/{postqueue,postdrop}
  mkdir -p "$into/etc/sasl2"
  chroot "$into" /usr/sbin/postconf mail_version >/dev/null
}

make_exim_root() {
  local into=$1
  unpack_root "$into" "$2" "${exim_packages[@]}" <<-'EOF' || return 1
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	Debian-exim:x:2531:2531::/var/spool/exim4:/usr/sbin/nologin
	mailbox:x:2527:2527::/instance:/usr/sbin/nologin
	---
	root:x:0:
	mail:x:8:
	Debian-exim:x:2531:
	mailbox:x:2527:
	nogroup:x:65534:
	EOF
  # The only place of a configuration with which it stays root for deliveries.
  mkdir -p "$into/etc/exim4"
  ln -sfn /instance/exim.conf "$into/etc/exim4/exim4.conf"
  : >"$into/etc/exim4/empty"
  chroot "$into" /usr/sbin/exim4 -C /etc/exim4/empty -bV >/dev/null
}

make_opensmtpd_root() {
  local into=$1
  suite=$opensmtpd_suite unpack_root "$into" "$2" "${opensmtpd_packages[@]}" <<-'EOF' || return 1
	root:x:0:0:root:/root:/bin/sh
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	opensmtpd:x:2541:2541::/var/lib/opensmtpd/empty:/usr/sbin/nologin
	opensmtpq:x:2542:2542::/var/lib/opensmtpd/empty:/usr/sbin/nologin
	mailbox:x:2527:2527::/instance:/usr/sbin/nologin
	---
	root:x:0:
	opensmtpd:x:2541:
	opensmtpq:x:2542:
	mailbox:x:2527:
	nogroup:x:65534:
	EOF
  # It shuts its processes in `empty`; without a list of authorities it does not start, whatever is in that.
  mkdir -p "$into/var/lib/opensmtpd/empty" "$into/var/spool/smtpd" "$into/var/run" "$into/etc/ssl/certs"
  chmod 711 "$into/var/lib/opensmtpd/empty"
  : >"$into/etc/ssl/certs/ca-certificates.crt"
  chroot "$into" /usr/sbin/smtpd -h >/dev/null 2>&1 || [ $? = 1 ]
}

# Makes the root of NAME where it is not there, and names it $cache/NAME.
need_root() {
  local name=$1 recipe=$2
  local into=$cache/$name-$recipe
  if [ -e "$into/.ready" ]; then
    say "$name's root: present"
  else
    apt_update
    say "unpacking $name into $into"
    rm -rf "$into" "$cache/$name-work"
    "make_${name}_root" "$into" "$cache/$name-work" || die "could not make a root for $name"
    rm -rf "$cache/$name-work"
    touch "$into/.ready"
  fi
  ln -sfn "$into" "$cache/$name"
}

need_root postfix "$postfix_recipe"
need_root exim "$exim_recipe"
need_root opensmtpd "$opensmtpd_recipe"

# --- PDS and PLC ------------------------------------------------------------------------------------
# No install script runs: better-sqlite3 13 and sharp carry their binaries. (better-sqlite3 12, which the
# PDS asks for, aborts in Node 24.19 and newer when a statement is collected; see pds/package.json.)
lock_hash=$(sha256sum <"$here/pds/package-lock.json" | cut -c1-16)
pds=$cache/pds-$lock_hash
if [ -e "$pds/.ready" ]; then
  say "PDS and PLC: present"
else
  say "installing the PDS and the PLC directory into $pds"
  rm -rf "$pds"
  mkdir -p "$pds"
  cp "$here/pds/package.json" "$here/pds/package-lock.json" "$here/pds/.npmrc" "$pds/"
  (cd "$pds" && npm ci --ignore-scripts --no-fund --no-audit) >"$cache/pds-npm.log" 2>&1 ||
    { tail -n 30 "$cache/pds-npm.log" >&2; die "npm ci of the PDS failed; see $cache/pds-npm.log"; }
  node -e 'new (require(process.argv[1]))(":memory:").exec("select 1")' "$pds/node_modules/better-sqlite3" ||
    die "better-sqlite3 does not load in Node $(node --version)"
  touch "$pds/.ready"
  find "$cache" -maxdepth 1 -name 'pds-????????????????' ! -path "$pds" -exec rm -rf {} +
fi
ln -sfn "$pds" "$cache/pds"

# --- Jetstream and Tap ------------------------------------------------------------------------------
source "$here/go.sh"

# --- maddy ------------------------------------------------------------------------------------------
source "$here/maddy.sh"

# --- Kafka ------------------------------------------------------------------------------------------
source "$here/kafka.sh"

# --- Haraka -----------------------------------------------------------------------------------------
source "$here/haraka.sh"

# --- parsedmarc -------------------------------------------------------------------------------------
source "$here/parsedmarc.sh"

say "ready in $((SECONDS - started)) s"
