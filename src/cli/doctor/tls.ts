import { readFile } from "node:fs/promises";
import { acmeStore } from "../../platform/acme/index.ts";
import { DAY_MS, covers, namesOf, readPair, type Pair } from "../../platform/certificates/index.ts";
import { dataPath, type Config } from "../../platform/config/index.ts";
import { acmeNames } from "../../roles/index.ts";
import { fail, messageOf, ok, warn, type Finding, type Probe } from "./probe.ts";

const SOON_MS = 14 * DAY_MS;

/** Certificate and key of submission and inbound: there, a pair, for our name, and for how long. */
export const tls: Probe = async ({ config, now }) => {
  if (!config.ROLES.includes("relay")) return [];
  return config.ACME_DIRECTORY === undefined ? fromFiles(config, now()) : byAcme(config, now());
};

async function fromFiles(config: Config, now: number): Promise<Finding[]> {
  const remedy = "Point ATMOS_TLS_CERT_FILE and ATMOS_TLS_KEY_FILE at a PEM pair for the pool's host name.";
  let texts: string[];
  try {
    texts = await Promise.all([config.TLS_CERT_FILE!, config.TLS_KEY_FILE!].map((f) => readFile(f, "utf8")));
  } catch (error) {
    return [fail("certificate", messageOf(error), remedy)];
  }
  const read = readPair(texts[0]!, texts[1]!);
  if ("fault" in read) return [fail("certificate", read.fault, remedy)];
  if (!covers(read.pair, config.POOL_HOSTNAME)) return [otherName(read.pair, config.POOL_HOSTNAME, remedy)];
  return [life(read.pair, config.POOL_HOSTNAME, now, "Renew it; atmos takes the new files within a minute.")];
}

async function byAcme(config: Config, now: number): Promise<Finding[]> {
  const store = acmeStore(dataPath(config, "acme"));
  const [kept, state, names] = [await store.certificate(), await store.state(), acmeNames(config)];
  const look = "Look at the log of atmos serve; docs/certificates.md says what each refusal means.";
  const findings: Finding[] = [];
  const read = kept && readPair(kept.cert, kept.key);
  if (!read) {
    findings.push(
      state.failures === 0
        ? warn("certificate", `none yet for ${names.join(", ")}`, "Start `atmos serve`; it asks for one.")
        : fail("certificate", `none yet for ${names.join(", ")}`, look),
    );
  } else if ("fault" in read) findings.push(fail("certificate", read.fault, look));
  else {
    const missing = names.find((name) => !covers(read.pair, name));
    if (missing === undefined) findings.push(life(read.pair, names.join(", "), now, look));
    else findings.push(otherName(read.pair, missing, "It is ordered anew when `atmos serve` starts."));
  }
  if (state.failures > 0) {
    const since = new Date(state.lastFailureAt).toISOString();
    findings.push(
      warn(
        "ACME",
        `failed ${state.failures} time${state.failures === 1 ? "" : "s"}, last at ${since}: ${state.lastError}`,
        state.retryAfterMs > 0
          ? "Mend that; the authority wants no other try before the time that the log of atmos serve names."
          : "Mend that, and send SIGHUP to atmos serve: it tries again at once, not more than once a minute.",
      ),
    );
  } else if (read) findings.push(ok("ACME", `the last order at ${config.ACME_DIRECTORY} went well`));
  return findings;
}

function otherName(pair: Pair, name: string, remedy: string): Finding {
  return fail("certificate", `it is not for ${name} but for ${namesOf(pair)}`, remedy);
}

/** Certificates that live for days only are warned of in their last quarter. */
function life(pair: Pair, names: string, now: number, remedy: string): Finding {
  const left = pair.notAfter - now;
  const text = `for ${names}, until ${new Date(pair.notAfter).toISOString()} (${Math.floor(left / DAY_MS)} days)`;
  if (left <= 0)
    return fail("certificate", `expired: ${text}`, `PDSes refuse to connect until it is renewed. ${remedy}`);
  const soon = Math.min(SOON_MS, (pair.notAfter - pair.notBefore) / 4);
  return left < soon ? warn("certificate", text, remedy) : ok("certificate", text);
}
