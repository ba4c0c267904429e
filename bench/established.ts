import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fingerprintOf, openHabits } from "../src/breaker/index.ts";
import type { MemberPolicy } from "../src/policy/index.ts";
import type { OurSide } from "./sides.ts";
import { bodyOf, messageOf } from "./smtp-client.ts";

const DAY = 86_400_000;

export type Past = {
  /** Sizes of the messages that members have sent before: their template is known. */
  sizes: readonly number[];
  /** Whose domain signs with RSA alone. */
  rsaOnly?: (domain: string) => boolean;
};

/**
 * Members of yesterday would meet the limits of yesterday's members. So what the relay knows of them is changed, while
 * it is down, to what it would know after months: old domains, and mail that a person has said yes to.
 */
export async function establish({ product }: OurSide, { sizes, rsaOnly = () => false }: Past): Promise<void> {
  await product.terminate();
  const data = join(dirname(product.envFile), "data");
  const spool = new DatabaseSync(join(data, "spool.sqlite"));
  const { habits } = openHabits(join(data, "habits.sqlite"));
  try {
    for (const { body } of spool.prepare("SELECT body FROM policy").all()) {
      const policy = JSON.parse(String(body)) as MemberPolicy;
      // Core tells all of it again after its start: this is newer than what it says.
      policy.version = Date.now() + DAY;
      for (const domain of policy.domains) {
        domain.addedAt -= 180 * DAY;
        if (rsaOnly(domain.name)) domain.keys = domain.keys.filter(({ algorithm }) => algorithm === "rsa");
      }
      spool.prepare("UPDATE policy SET body = ? WHERE did = ?").run(JSON.stringify(policy), policy.did);
      for (const size of sizes) {
        const raw = Buffer.from(
          messageOf(`a@${policy.domains[0]?.name}`, "r@dest.test", "Sign in 1", bodyOf(size)),
        );
        const mail = {
          did: policy.did,
          credential: policy.credentials[0]?.id ?? "",
          recipients: [],
          fingerprint: await fingerprintOf(raw.subarray(0, 65_536), raw.length),
          now: Date.now(),
        };
        habits.accepted(mail, habits.look(mail), false);
        habits.approve(policy.did, [mail.fingerprint.id]);
      }
    }
  } finally {
    habits.close();
    spool.close();
  }
  await product.start();
}
