import { expect, test } from "vitest";
import { systemClock } from "../../lib/clock.ts";
import { silentLog } from "../../platform/log.ts";
import type { MemberPolicy } from "../../policy/index.ts";
import type { MessageRow } from "../../spool/index.ts";
import { createLateSigner } from "./late.ts";

const member: MemberPolicy = {
  did: "did:plc:a",
  handle: "a",
  version: 1,
  membership: "member",
  standing: "good",
  tier: "new",
  joinedAt: 0,
  reason: null,
  domains: [{ name: "member.test", status: "active", returnPath: null, addedAt: 0, keys: [] }],
  credentials: [],
};
const message = (id: string, seq: number): MessageRow & { seq: number } => ({
  id,
  seq,
  did: member.did,
  credential: "c1",
  kind: "mail",
  sender: "x@member.test",
  fromDomain: "member.test",
  stream: "transactional",
  priority: 1,
  template: null,
  receivedAt: 0,
  size: 1,
  eightBit: false,
  smtpUtf8: false,
  ret: null,
  envid: null,
  ask: "usual",
});

test("a body that cannot be read keeps no other message unsigned", async () => {
  const signed: string[] = [];
  const sign = createLateSigner({
    spool: {
      unsigned: async () => [message("lost", 1), message("there", 2)],
      content: async (id) => ({
        head: new Uint8Array(),
        async *body() {
          if (id === "lost") throw new Error("ENOENT");
          yield Buffer.from("x\r\n");
        },
      }),
      sign: async (id) => signed.push(id) > 0,
    },
    policyBook: { byDid: () => member },
    signer: { sign: async () => "DKIM-Signature: x\r\n" },
    clock: systemClock,
    log: silentLog,
  });
  expect(await sign()).toBe(1);
  expect(signed).toEqual(["there"]);
});
