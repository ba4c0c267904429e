#!/usr/bin/env bash
# What the interoperation tests install (rbldnsd, Knot), and dnsperf, which asks. Safe to run again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bash "$root/test/interop/setup.sh"
dpkg-query -W -f '${db:Status-Status}' dnsperf 2>/dev/null | grep -q '^installed$' ||
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install dnsperf
