import { afterEach, beforeEach, expect, test } from "vitest";
import { OFFERS, type Script, type Step } from "../scripted-sink.ts";
import { submit, world, type World } from "../scripted-world.ts";

/*
 * Hosts that hang in each phase of a conversation, for as long as the test lasts: what becomes of the mail of others, of
 * theirs when the relay node ends, and when its clock jumps meanwhile.
 */

const DAY = 86_400_000;
const CHUNKING = [...OFFERS, "CHUNKING"];
/** What it has heard when it hangs; undefined: nothing in words. */
const HANGING: [script: Script, heard: string | undefined][] = [
  [{ banner: "silence" }, undefined],
  [{ ehlo: "silence" }, "EHLO"],
  [{ starttls: "silence" }, "STARTTLS"],
  [{ secured: "silence" }, "STARTTLS"],
  [{ mail: "silence" }, "MAIL"],
  [{ rcpt: "silence" }, "RCPT"],
  [{ data: "silence" }, "DATA"],
  [{ dot: "silence" }, "DATA"],
  [{ dot: "silence", offers: CHUNKING }, "BDAT"],
];
const GOOD = HANGING.length;

let here: World;
let scripts: Script[];
beforeEach(async () => {
  scripts = [...HANGING.map(([script]) => ({ ...script })), {}];
  here = await world(scripts.map((script) => ({ script })));
});
afterEach(() => here.close());

/** From now on everything goes well there. */
function mend(): void {
  for (const script of scripts)
    for (const key of ["banner", "ehlo", "starttls", "secured", "mail", "rcpt", "data", "dot"] as const)
      delete script[key];
}

/** One message to each host, which then hangs. */
async function hang(): Promise<void> {
  for (const index of HANGING.keys()) await submit(here, `bob@d${index}.test`);
  for (const [index, [, heard]] of HANGING.entries()) {
    const { connections, heard: lines } = here.sinks[index]!;
    await expect.poll(connections, { timeout: 20_000 }).toBe(1);
    if (heard !== undefined)
      await expect.poll(() => lines.some((line) => line.startsWith(heard)), { timeout: 20_000 }).toBe(true);
  }
}

const counts = () => here.bed.spool.counts();

test("mail of others goes, whoever hangs", async () => {
  await hang();
  for (let i = 0; i < 40; i++) await submit(here, `bob${i}@d${GOOD}.test`, "Hi", `Number ${i}`);
  await expect.poll(counts, { timeout: 20_000 }).toMatchObject({ delivered: 40 });
  expect(here.sinks[GOOD]!.mails).toHaveLength(40);
  expect(here.sinks.map(({ mails }) => mails.length)).toEqual([...HANGING.map(() => 0), 40]);
});

test("a relay node ends while every phase hangs; each message comes once when it is there again", async () => {
  await hang();
  await here.restart(mend);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ delivered: HANGING.length });
  expect(here.sinks.map(({ mails }) => mails.length)).toEqual([...HANGING.map(() => 1), 0]);
});

test.each<[string, Step, Script]>([
  ["the final dot", { says: "250 2.0.0 Kept", afterMs: 300 }, {}],
  ["a chunk", { says: "250 2.0.0 Kept", afterMs: 300 }, { offers: CHUNKING }],
])("an answer to %s that comes while the relay node ends counts", async (_, dot, more) => {
  Object.assign(scripts[0]!, { ...more, banner: "220 mx", dot });
  const id = await submit(here, "bob@d0.test");
  const { heard, mails } = here.sinks[0]!;
  await expect.poll(() => heard.some((line) => /^(?:DATA|BDAT)/.test(line))).toBe(true);
  await here.bed.relay.close(20_000);
  expect((await here.bed.spool.message(id))!.recipients[0]!.state).toBe("delivered");
  expect(mails).toHaveLength(1);
  await here.restart();
  await here.bed.relay.settle();
  expect(mails).toHaveLength(1);
});

test.each([
  ["ahead", 2 * DAY],
  ["back", -2 * DAY],
])("a clock that is set %s while every phase hangs begins nothing twice", async (_, step) => {
  await hang();
  here.bed.clock.set(here.bed.clock.now() + step);
  here.bed.relay.wake();
  await submit(here, `bob@d${GOOD}.test`);
  await expect.poll(counts, { timeout: 20_000 }).toMatchObject({ delivered: 1 });
  expect(here.sinks.slice(0, GOOD).map(({ connections }) => connections())).toEqual(HANGING.map(() => 1));
  await here.restart(mend);
  await here.bed.relay.settle();
  expect(await counts()).toEqual({ delivered: HANGING.length + 1 });
  expect(here.sinks.map(({ mails }) => mails.length)).toEqual([...HANGING.map(() => 1), 1]);
});
