import { systemClock } from "../../lib/clock.ts";
import { ConfigError, parseConfig, readEnvironment } from "../../platform/config/index.ts";
import { createResolver } from "../../platform/dns/index.ts";
import { EXIT, outputFor, plain } from "../output.ts";
import { clock } from "./clock.ts";
import { disk } from "./disk.ts";
import { dkim } from "./dkim.ts";
import { dns } from "./dns.ts";
import { egress } from "./egress.ts";
import { labeler } from "./labeler.ts";
import { fail, messageOf, type Finding, type Probe } from "./probe.ts";
import { pool } from "./pool.ts";
import { providers } from "./providers.ts";
import { roleMail } from "./role-mail.ts";
import { services } from "./services.ts";
import { shaping } from "./shaping.ts";
import { tls } from "./tls.ts";
import { tlsReport } from "./tls-report.ts";

const PROBES: readonly [string, Probe][] = [
  ["disk", disk],
  ["clock", clock],
  ["dns", dns],
  ["dkim", dkim],
  ["egress", egress],
  ["certificate", tls],
  ["labeler", labeler],
  ["pool", pool],
  ["role mail", roleMail],
  ["shaping", shaping],
  ["services", services],
  ["tls-report", tlsReport],
  ["providers", providers],
];

const SIGN = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

/** `atmos doctor`: what is configured, what is reachable, what is wrong and how to mend it. Changes nothing. */
export async function doctor(options: { env?: string; json?: boolean }): Promise<number> {
  const out = outputFor(options);
  const findings = await examine(options.env, (finding) => {
    out.say(`${SIGN[finding.status]} ${finding.probe}: ${plain(finding.text)}`);
    if (finding.remedy !== undefined) out.say(`     -> ${plain(finding.remedy)}`);
  });
  const faults = findings.filter((finding) => finding.status === "fail").length;
  out.say(faults === 0 ? "Nothing is wrong." : `${faults} thing${faults === 1 ? " is" : "s are"} wrong.`);
  out.result({ ok: faults === 0, findings });
  return faults === 0 ? EXIT.ok : EXIT.fault;
}

async function examine(env: string | undefined, tell: (finding: Finding) => void): Promise<Finding[]> {
  const all: Finding[] = [];
  const add = (finding: Finding) => {
    all.push(finding);
    tell(finding);
  };
  let settings;
  try {
    settings = parseConfig(readEnvironment(env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems)
      add(
        fail(
          "configuration",
          problem,
          "Mend it in the environment file; docs/configuration.md lists every setting.",
        ),
      );
    return all;
  }
  const { config, secrets } = settings;
  add({
    probe: "configuration",
    status: "ok",
    text: `roles ${config.ROLES.join(", ")} for ${config.POOL_DOMAIN}`,
  });
  const resolver = createResolver({ servers: config.DNS_SERVERS });
  for (const [name, probe] of PROBES) {
    try {
      for (const finding of await probe({ config, secrets, resolver, now: () => systemClock.now() }))
        add(finding);
    } catch (error) {
      add(fail(name, `could not be looked at: ${messageOf(error)}`, "Look at the log."));
    }
  }
  return all;
}
