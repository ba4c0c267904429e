import { dataPath } from "../../platform/config/index.ts";
import { readPoolKey } from "../../roles/index.ts";
import { fail, ok, warn, type Probe } from "./probe.ts";

/** Whether the DNS names the key with which the pool signs. */
export const dkim: Probe = async ({ config, resolver }) => {
  if (!config.ROLES.includes("relay")) return [];
  const key = await readPoolKey(dataPath(config, "pool-dkim"), config.POOL_DKIM_SELECTOR);
  if (!key) return [warn("pool DKIM", "the pool has no key yet", "Start `atmos serve` once; it makes one.")];
  const name = `${key.selector}._domainkey.${config.POOL_DOMAIN}`;
  const remedy = `Publish: ${name}. TXT "${key.txt}"`;
  const answer = await resolver.resolve(name, "TXT");
  if (answer.status === "temperror")
    return [fail("pool DKIM", `${name}: no answer from the DNS`, "Look at the resolver.")];
  const published = answer.status === "ok" ? answer.records.map((r) => r.text.replace(/\s/g, "")) : [];
  if (published.length === 0) return [fail("pool DKIM", `${name} is not published`, remedy)];
  return published.includes(key.txt.replace(/\s/g, ""))
    ? [ok("pool DKIM", `${name} names our key`)]
    : [fail("pool DKIM", `${name} names another key`, remedy)];
};
