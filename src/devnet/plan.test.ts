import { describe, expect, it } from "vitest";
import { behaviourOf } from "./mailbox/script.ts";
import { dmarcRecord, seedOperators } from "./operators.ts";
import { DAY_MS, planDay } from "./plan.ts";

const operators = seedOperators();
const mailDomains = ["bigmail.test", "post.test", "inbox.test"];
const month = Array.from({ length: 30 }, (_, i) => planDay({ operators, day: 20_000 + i, mailDomains }));
const hour = (mail: { at: number }) => Math.floor((mail.at % DAY_MS) / 3_600_000);

describe("operators", () => {
  it("are twenty, each small, together far more than one could be", () => {
    expect(operators).toHaveLength(20);
    expect(new Set(operators.map((one) => one.domain)).size).toBe(20);
    expect(Math.min(...operators.map((one) => one.perDay))).toBeGreaterThanOrEqual(5);
    expect(Math.max(...operators.map((one) => one.perDay))).toBeLessThanOrEqual(50);
    for (const day of month) expect(day.length).toBeGreaterThan(300);
  });

  it("are the same for the same seed", () => {
    expect(seedOperators("a")).toEqual(seedOperators("a"));
    expect(seedOperators("a")).not.toEqual(seedOperators("b"));
  });

  it("hold one with a DMARC record that cannot be read", () => {
    const records = operators.map(dmarcRecord);
    expect(records.filter((text) => !text.startsWith("v=DMARC1; "))).toEqual(["v=DMARC1 p=none"]);
  });
});

describe("planDay", () => {
  it("is the same for the same day, and another for another", () => {
    expect(planDay({ operators, day: 20_000, mailDomains })).toEqual(month[0]);
    expect(month[1]![0]!.to).not.toBe(month[0]![0]!.to);
  });

  it("keeps to the day, in order of time, quiet at night", () => {
    const day = month[0]!;
    expect(day.every((mail) => Math.floor(mail.at / DAY_MS) === 20_000)).toBe(true);
    expect(day.map((mail) => mail.at)).toEqual(day.map((mail) => mail.at).toSorted((a, b) => a - b));
    const all = month.flat();
    const night = all.filter((mail) => hour(mail) < 6).length;
    const evening = all.filter((mail) => hour(mail) >= 16 && hour(mail) < 22).length;
    expect(evening).toBeGreaterThan(5 * night);
  });

  it("bounces little, except for the operator whose form gets dead addresses, and there too never in a burst", () => {
    for (const { domain, trait, perDay } of operators) {
      const mails = month.flat().filter((mail) => mail.domain === domain);
      expect(mails.length).toBeLessThanOrEqual(perDay * 30);
      const dead = mails.filter((mail) => behaviourOf(mail.to) === "bounce");
      expect(new Set(dead.map((mail) => mail.to)).size).toBe(dead.length);
      const rate = dead.length / mails.length;
      if (trait !== "dead-addresses") {
        expect(rate, domain).toBeLessThan(0.025);
        continue;
      }
      expect(rate).toBeGreaterThan(0.12);
      const seen = new Set<string>();
      const first = mails
        .filter((mail) => !seen.has(mail.to) && seen.add(mail.to))
        .map((mail) => dead.includes(mail));
      const worst = Math.max(...first.map((_, i) => first.slice(i, i + 20).filter(Boolean).length));
      expect(worst).toBeLessThan(5);
    }
  });

  it("writes mostly to people who were written to before", () => {
    const good = month.flat().filter((mail) => mail.domain === "maple.test");
    expect(new Set(good.map((mail) => mail.to)).size).toBeLessThan(good.length / 2);
    for (const mail of good) expect(mailDomains).toContain(mail.to.split("@")[1]);
  });
});
