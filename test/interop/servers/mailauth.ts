import { Resolver } from "node:dns/promises";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import type { SignatureResult } from "./opendkim.ts";
import type { Address } from "./process.ts";

/** Verifies each DKIM signature of a raw message with mailauth, keys from `nameserver`. */
export async function verifyWithMailauth(
  raw: string | Buffer,
  nameserver: Address,
): Promise<SignatureResult[]> {
  const dns = new Resolver();
  dns.setServers([`${nameserver.host}:${nameserver.port}`]);
  const { results } = await dkimVerify(Buffer.from(raw as string, "latin1"), {
    resolver: (name: string) => dns.resolveTxt(name),
  });
  return results.map(({ signingDomain, selector, algo, status }) => ({
    domain: String(signingDomain),
    selector: String(selector),
    algorithm: algo ?? "",
    result: status.result,
  }));
}
