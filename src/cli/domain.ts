import type { WithIsoTimes } from "../lib/iso-times.ts";
import type { Rotation as Stored } from "../member/index.ts";
import { apiOf } from "./api.ts";
import { recordLines, type Common } from "./member.ts";
import { CommandError, EXIT, outputFor } from "./output.ts";

type Rotation = WithIsoTimes<Stored>;

const day = (at: string) => at.slice(0, 10);
const minute = (at: string) => `${at.slice(0, 16).replace("T", " ")} UTC`;

/** `atmos domain rotate`: new keys for a domain; the old ones sign until the new ones are in the DNS. */
export async function domainRotate(
  domain: string,
  options: Common & { status?: boolean; cancel?: boolean; now?: boolean },
): Promise<number> {
  const out = outputFor(options);
  const asked = (["status", "cancel", "now"] as const).filter((name) => options[name]);
  if (asked.length > 1) throw new CommandError(`Choose one of --${asked.join(" and --")}.`, EXIT.usage);
  const [what] = asked;
  const path = `/domains/${encodeURIComponent(domain)}/rotation`;
  const answer = await apiOf(options.env)(
    what === "status" ? "GET" : "POST",
    what === undefined || what === "status" ? path : `${path}/${what}`,
    what === "status" ? undefined : {},
  );
  const rotation = answer as unknown as Rotation;
  out.say(rotationLines(rotation));
  out.result(answer);
  if (what !== "now" || rotation.publish.length === 0) return EXIT.ok;
  out.say(
    "\nThe old keys sign on: this host's resolver does not find both new records, each with the right key and alone at its name. Publish them, and say --now again.",
  );
  return EXIT.fault;
}

/** Where a rotation stands, and what the member does next. */
function rotationLines(rotation: Rotation): string {
  const { domain, keys, publish, seenAt, activeFrom, keep, remove } = rotation;
  const lines = keys.map(
    ({ selector, algorithm, state }) => `${state.padEnd(9)}${algorithm.padEnd(8)}${selector}`,
  );
  if (publish.length > 0) {
    lines.push(
      "",
      `1. Publish these records of ${domain}, and leave the old ones where they are:`,
      recordLines(publish),
      "",
      "2. Add the keys to the attestation in the member's repository; keep the old ones in it too:",
      JSON.stringify(
        keys
          .filter((key) => key.state !== "retired")
          .map(({ selector, algorithm, fingerprint }) => ({ selector, algorithm, fingerprint })),
        null,
        2,
      ),
      "",
      seenAt === null || activeFrom === null
        ? "3. Nothing else: once they have been seen in the DNS for an hour, the new keys sign by themselves."
        : `3. Seen in the DNS since ${minute(seenAt)}; the new keys sign from ${minute(activeFrom)} on.`,
    );
  }
  for (const { name, until } of keep)
    lines.push(`Keep ${name} until ${day(until)}: mail that it signed is still on its way.`);
  if (remove.length > 0) {
    lines.push("Take the retired keys out of the attestation, and then remove these records:");
    lines.push(...remove.map((name) => `  ${name}`));
  }
  return lines.join("\n");
}
