import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY, HOUR, openRules, type RulesSandbox } from "./rules-sandbox.ts";

const [alder, birch] = ["alder.test", "birch.test"] as const;
let here: RulesSandbox;
let living: Promise<void>;
const stop = new AbortController();
beforeAll(async () => {
  here = await openRules(alder, birch);
});
afterAll(async () => {
  stop.abort();
  await living;
  await here.close();
});

const post = async (path: string, fields: Record<string, string> = {}) => {
  const url = here.sandbox.urls.mail + path;
  const response = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    redirect: "manual",
  });
  expect([path, response.status]).toEqual([path, 303]);
  await here.settle();
};

test("while the sandbox lives somebody calls a mail spam, has a host refuse everybody, and lets a fortnight pass", async () => {
  living = here.sandbox.live(1, stop.signal);
  expect((await here.send(alder, ["ada@bigmail.test"]))[0]).toMatch(/^250/);
  await here.settle();
  const [mail] = here.received("ada@bigmail.test");
  const page = await (await fetch(`${here.sandbox.urls.mail}/messages/${mail!.id}`)).text();
  expect(page).toContain(`action="/messages/${mail!.id}/spam"`);
  await post(`/messages/${mail!.id}/spam`);
  expect(here.core.standings.notes.list(here.didOf(alder))[0]!.title).toBe(
    "Somebody called mail of yours spam",
  );

  await post("/hosts", { mx: "mx.post.test", refuses: "everybody" });
  const people = Array.from({ length: 8 }, (_, i) => `user${i}@post.test`);
  for (const one of people) {
    expect((await here.send(birch, [one]))[0]).toMatch(/^250/);
    await post("/clock", { hours: "7" });
  }
  expect(here.standing(birch)).toBe("warned");
  await post("/hosts", { mx: "mx.post.test", refuses: "nobody" });

  const before = here.clock.now();
  const mails = here.sandbox.world.mailbox.inbox.count();
  await post("/clock", { hours: String(14 * 24 + 1) });
  const passed = here.clock.now() - before - (14 * DAY + HOUR);
  expect([passed >= 0, passed < HOUR]).toEqual([true, true]);
  expect(here.standing(birch)).toBe("good");
  // The pool's own mails and reports may come; a fortnight of the operators' would be hundreds.
  expect(here.sandbox.world.mailbox.inbox.count() - mails).toBeLessThan(20);
  expect((await here.send(birch, ["user1@bigmail.test"]))[0]).toMatch(/^250/);
}, 60_000);
