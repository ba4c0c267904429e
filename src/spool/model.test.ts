import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { RecipientState } from "./index.ts";
import { applies } from "./queue.ts";
import { stateAfter } from "./store.ts";
import { acceptance, everything, held, policy, spools, who } from "./spool.fixture.ts";

const { path, start, stop } = spools();

/** Random operations beside a model that knows nothing of SQL: each recipient is where the model says, always. */
test.each([11, 22])(
  "whatever is done in whatever order, every recipient is accounted for (seed %i)",
  async (seed) => {
    let n = seed;
    const random = (below: number) => {
      n = (n * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((n / 2_147_483_648) * below);
    };
    type Entry = {
      state: RecipientState;
      owner: string | null;
      leased: boolean;
      message: string;
      did: string;
    };
    const model = new Map<string, Entry>();
    let spool = await start();
    const dids = ["did:plc:a", "did:plc:b"];
    const pick = (which: (e: Entry) => boolean) => {
      const ids = [...model].flatMap(([id, e]) => (which(e) ? [id] : []));
      return ids.length === 0 ? undefined : ids[random(ids.length)]!;
    };
    const set = (id: string, change: Partial<Entry>) => model.set(id, { ...model.get(id)!, ...change });
    let now = 1_000_000;

    const steps: (() => Promise<void>)[] = [
      async () => {
        const did = dids[random(2)]!;
        const unsigned = random(6) === 0;
        const state = unsigned || random(4) === 0 ? "held" : "queued";
        const owner =
          state === "queued" ? null : unsigned ? "signing" : (["policy", "breaker"] as const)[random(2)]!;
        const hold = owner ? held(owner) : {};
        const a = acceptance(
          { did, unsigned, priority: random(3) },
          ["a.test", "b.test"].slice(random(2)),
          hold,
        );
        await spool.accept(a);
        for (const { id } of a.recipients)
          model.set(id, { state, owner, leased: false, message: a.message.id, did });
      },
      async () => {
        const { leased } = await spool.lease({ ...everything, now, max: 1 + random(5) });
        for (const { id } of leased) {
          const { state, leased: twice } = model.get(id)!;
          expect([id, twice, ["queued", "deferred"].includes(state)]).toEqual([id, false, true]);
          set(id, { leased: true });
        }
      },
      async () => {
        const id = pick((e) => e.leased);
        if (!id) return;
        const result = (["delivered", "deferred", "bounced", "queued"] as const)[random(4)]!;
        await spool.record([{ recipientId: id, state: result, nextAt: now, events: [] }], now);
        const { state } = model.get(id)!;
        const after = stateAfter(state, result);
        set(id, { leased: false, state: after, ...(after !== "held" && { owner: null }) });
      },
      async () => {
        const did = dids[random(2)]!;
        const suspended = random(2) === 0;
        await spool.setHolds({ ...policy, did, standing: suspended ? "suspended" : "good" }, now);
        for (const [id, e] of model) {
          if (e.did !== did) continue;
          if (suspended && (e.state === "queued" || e.state === "deferred"))
            set(id, { state: "held", owner: "policy" });
          else if (suspended && e.owner === "breaker") set(id, { owner: "policy" });
          else if (!suspended && (e.owner === "policy" || e.owner === "breaker"))
            set(id, { state: "queued", owner: null });
        }
        now += 3_600_000;
      },
      async () => {
        const action = (["hold", "release", "requeue", "drop"] as const)[random(4)]!;
        const id = pick(() => true);
        if (!id) return;
        const message = model.get(id)!.message;
        const request = { ...who, now, filter: { ids: [message] } };
        const result =
          action === "hold"
            ? await spool.hold({ ...request, hold: { reason: "by-hand", owner: "committee" } })
            : await spool[action](request);
        let touched = 0;
        for (const [each, e] of model) {
          if (e.message !== message || !applies(action, e, e.leased)) continue;
          touched++;
          if (action === "hold") set(each, { state: "held", owner: "committee" });
          else set(each, { state: action === "drop" ? "dropped" : "queued", owner: null });
        }
        expect([action, result.recipients]).toEqual([action, touched]);
      },
      async () => {
        const { leased } = await spool.leaseFor({ ...who, now, filter: { did: dids[random(2)]! }, limit: 2 });
        for (const { id } of leased) expect(model.get(id)!.leased).toBe(false);
        await spool.record(
          leased.map(({ id }) => ({ recipientId: id, state: "returned" as const, nextAt: 0, events: [] })),
          now,
        );
        for (const { id } of leased) set(id, { state: "returned", owner: null });
      },
      async () => {
        const [first] = await spool.unsigned(1);
        if (!first || random(2) === 0) return;
        expect(await spool.sign(first.id, Buffer.from("S: x\r\n\r\n"), now)).toBe(true);
        for (const [id, e] of model)
          if (e.message === first.id && e.owner === "signing") set(id, { state: "queued", owner: null });
      },
      async () => {
        if (random(4) > 0) return;
        await stop(spool);
        spool = await start();
        for (const id of model.keys()) set(id, { leased: false });
      },
    ];

    for (let i = 0; i < 200; i++) {
      await steps[random(steps.length)]!();
      if (i % 10 > 0) continue;
      const { entries } = await spool.list({}, { limit: 10_000 });
      expect(new Map(entries.map((e) => [e.id, [e.state, e.hold?.owner ?? null, e.inFlight]]))).toEqual(
        new Map([...model].map(([id, e]) => [id, [e.state, e.owner, e.leased]])),
      );
      const counts: Record<string, number> = {};
      for (const { state } of model.values()) counts[state] = (counts[state] ?? 0) + 1;
      expect(await spool.counts()).toEqual(counts);
      const openMessages = new Set(
        [...model.values()].flatMap((e) =>
          ["queued", "held", "deferred"].includes(e.state) ? [e.message] : [],
        ),
      );
      for (const message of new Set([...model.values()].map((e) => e.message)))
        expect([message, (await spool.content(message)) !== undefined]).toEqual([
          message,
          openMessages.has(message),
        ]);
    }
    expect(await spool.integrity()).toEqual([]);
    expect(existsSync(`${path()}-damaged`)).toBe(false);
  },
  60_000,
);
