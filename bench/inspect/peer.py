"""parsedmarc over the messages of FILE, a line of base64 each, over and over: peer.py FILE SECONDS"""

import base64
import json
import logging
import resource
import sys
import time

import parsedmarc

logging.disable(logging.CRITICAL)
path, seconds = sys.argv[1], float(sys.argv[2])
with open(path) as lines:
    messages = [base64.b64decode(line) for line in lines]


def read(message):
    try:
        parsed = parsedmarc.parse_report_email(message, offline=True, always_use_local_files=True)
        return parsed["report_type"] == "aggregate"
    except Exception:
        return False


understood = sum(map(read, messages))
began, cpu = time.monotonic(), time.process_time()
count = 0
while time.monotonic() - began < seconds:
    for message in messages:
        read(message)
    count += len(messages)
told = {
    "count": count,
    "ms": (time.monotonic() - began) * 1000,
    "cpuMs": (time.process_time() - cpu) * 1000,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "understood": understood / len(messages),
}
print(json.dumps(told), flush=True)
