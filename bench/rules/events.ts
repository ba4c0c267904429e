import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The shipped rule files by path, and the labels that they may give. */
export function shippedRules(): { files: Record<string, string>; labels: Record<string, never> } {
  const root = join(import.meta.dirname, "../../rules");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".sml"),
  );
  const files = Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(root, name), "utf8")]),
  );
  return { files, labels: JSON.parse(readFileSync(join(root, "labels.json"), "utf8")) };
}

/** A day of a member's mail in small: mostly deliveries, some bounces, few complaints. */
export function events(): { action_id: string; action_name: string; send_time: string; data: object }[] {
  const names = [...Array<string>(8).fill("recipient_delivered"), "recipient_bounced", "complaint_received"];
  return names.map((name, at) => ({
    action_id: String(1_456_255_638_429_499_392n + BigInt(at)),
    action_name: name,
    send_time: "2026-01-01T12:00:00.123456Z",
    data: {
      member: {
        did: `did:plc:member${at % 5}`,
        domain: "a.example",
        age_days: 40,
        tier: "steady",
        standing: "good",
        labels: [],
      },
      smtp: {
        code: 550,
        enhanced: "5.1.1",
        text: "no such user",
        provider: "gmail",
        class: "bad-mailbox",
        fault: "member",
      },
      window: {
        bounce: { eligible: 200, hard: 30, distinct: 20, rate: 0.15, p_over_5: 0.999, p_over_10: 0.97 },
        complaint: {
          eligible: 900,
          complaints: 4,
          complainants: 4,
          rate: 0.004,
          p_over_01: 0.98,
          p_over_05: 0.2,
        },
      },
    },
  }));
}
