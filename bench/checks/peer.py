"""checkdmarc over the same domains: MX hosts, SPF and DMARC, with as many threads as ours has domains at once.

    peer.py DNS-PORT DOMAINS SECONDS THREADS
"""

import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import checkdmarc.dmarc
import checkdmarc.smtp
import checkdmarc.spf
import dns.resolver

port, domains, seconds, threads = map(int, sys.argv[1:])
logging.disable(logging.CRITICAL)
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["127.0.0.1"]
resolver.port = port
began = 0.0


def look(n):
    if time.monotonic() - began > seconds:
        return None
    domain = f"d{n}.example"
    sound = True
    try:
        checkdmarc.smtp.get_mx_hosts(domain, resolver=resolver)
    except Exception:
        sound = False
    spf = checkdmarc.spf.check_spf(domain, resolver=resolver)
    dmarc = checkdmarc.dmarc.check_dmarc(domain, resolver=resolver)
    return sound and bool(spf["valid"]) and bool(dmarc["valid"])


print(json.dumps({"is": "ready"}), flush=True)
sys.stdin.readline()
began = time.monotonic()
with ThreadPoolExecutor(threads) as pool:
    seen = [sound for sound in pool.map(look, range(domains)) if sound is not None]
ms = (time.monotonic() - began) * 1000
told = {"is": "done", "checked": len(seen), "ms": ms, "verified": sum(seen), "unknown": len(seen) - sum(seen), "broken": 0}
print(json.dumps(told), flush=True)
