import type { SignatureResult } from "./opendkim.ts";
import { complete, type Address } from "./process.ts";

const script = `
import json, sys, dkim, dns.resolver
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = [sys.argv[1]]
resolver.port = int(sys.argv[2])
def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    try:
        return b"".join(resolver.resolve(name, "TXT")[0].strings)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
message = sys.stdin.buffer.read()
count = len([1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature"])
results = []
for index in range(count):
    checked = dkim.DKIM(message)
    try:
        result = "pass" if checked.verify(idx=index, dnsfunc=txt) else "fail"
    except dkim.DKIMException as problem:
        result = "permerror: " + str(problem)
    fields = checked.signature_fields
    text = lambda key: fields.get(key, b"").decode()
    results.append({"domain": text(b"d"), "selector": text(b"s"), "algorithm": text(b"a"), "result": result})
print(json.dumps(results))
`;

/** Verifies each DKIM signature of a raw message with Debian's dkimpy, an implementation apart from OpenDKIM. */
export async function verifyWithDkimpy(
  raw: string | Buffer,
  nameserver: Address,
): Promise<SignatureResult[]> {
  const arguments_ = ["-c", script, nameserver.host, String(nameserver.port)];
  const { stdout } = await complete("/usr/bin/python3", arguments_, { input: raw });
  return JSON.parse(stdout) as SignatureResult[];
}
