import { expect, it } from "vitest";
import { Database } from "../../platform/database.ts";
import { createInbox, mailboxMigration } from "./store.ts";

it("keeps the last 5,000 messages and pages through them", () => {
  const db = new Database(":memory:", [mailboxMigration]);
  const inbox = createInbox(db);
  const message = {
    receivedAt: 1,
    mailbox: "anna@bigmail.test",
    mailFrom: "",
    helo: "h",
    client: "127.0.0.1",
    tls: null,
    headerFrom: "a@alder.test",
    headerTo: "anna@bigmail.test",
    subject: "s",
    verdicts: {
      dkim: [],
      spf: { result: "none", domain: "", comment: "" },
      dmarc: { result: "none", domain: "", policy: "", comment: "" },
    },
    raw: Buffer.from("x"),
  };
  db.transaction(() => {
    for (let i = 0; i < 5_003; i++) inbox.add(message);
  });
  expect(inbox.count()).toBe(5_000);
  expect(inbox.get(3)).toBeUndefined();
  expect(inbox.get(4)).toMatchObject({ ...message, id: 4, raw: new Uint8Array(message.raw) });
  expect(inbox.list({ limit: 2 }).map((one) => one.id)).toEqual([5_003, 5_002]);
  expect(inbox.list({ mailbox: "Anna@bigmail.test", before: 5_002, limit: 1 }).map((one) => one.id)).toEqual([
    5_001,
  ]);
  db.close();
});
