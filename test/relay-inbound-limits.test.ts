import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { INBOUND_RATES } from "../src/relay/inbound/guard.ts";
import {
  answer,
  ANSWERED,
  hangUp,
  open,
  received,
  say,
  start,
  taken,
  to,
  useInbound,
} from "./inbound-server.ts";

useInbound();

const wide = {
  address: { limit: 100_000, periodMs: 60_000, burst: 100_000 },
  network: { limit: 100_000, periodMs: 60_000, burst: 100_000 },
};

describe("content", () => {
  test.each([
    ["a dot between bare LFs", "x\n.\nMAIL FROM:<a@b>\n", /^550 5\.6\.0/],
    ["a dot between LF and CRLF", "x\n.\r\nMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRLF and LF", "x\r\n.\nMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRs", "x\r.\rMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["a dot between CRLF and CR", "x\r\n.\rMAIL FROM:<a@b>", /^550 5\.6\.0/],
    ["NUL", "a\0b", /^550 5\.6\.0/],
    ["a bare LF and no dot", "a\nb", /^250 /],
    ["a dot that was doubled", "a\r\n..\r\nb", /^250 /],
    ["octets over 127", "a\xe9\xff", /^250 /],
  ])("with %s", async (_, body, reply) => {
    await start({ "b@in.test": taken });
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", body, "."], ANSWERED))).toMatch(reply);
  });

  test("with a header of a field on thousands of lines, which takes a parser a minute", async () => {
    await start({ "b@in.test": taken });
    const folds = Array.from({ length: 60_000 }, () => " x");
    expect(answer(await say([...to("b@in.test"), "Subject: x", ...folds, "", "x", "."], ANSWERED))).toMatch(
      /^550 5\.6\.0 .*2000 lines/,
    );
  });

  test("that went in circles", async () => {
    await start({ "b@in.test": taken });
    const hops = Array.from({ length: 31 }, (_, i) => `Received: from h${i}\r\n\tby h${i + 1}; now`);
    expect(answer(await say([...to("b@in.test"), ...hops, "", "x", "."], ANSWERED))).toMatch(/^554 5\.4\.6/);
  });

  test.each<[string, string, number, RegExp]>([
    ["a bounce of 1.5 MiB", "b@in.test", 1.5, /^552 5\.3\.4/],
    ["a report of 1.5 MiB", "dmarc@in.test", 1.5, /^250 /],
  ])("of %s", async (_, address, mib, reply) => {
    await start({ "b@in.test": taken, "dmarc@in.test": taken });
    const lines = Array.from({ length: (mib * 1024 * 1024) / 64 }, () => "x".repeat(62));
    expect(answer(await say([...to(address), "Subject: x", "", ...lines, "."], ANSWERED))).toMatch(reply);
  });

  test("a report does not make room for itself at an address of bounces", async () => {
    const outcomes = { "b@in.test": taken, "dmarc@in.test": taken };
    await start(outcomes);
    const lines = Array.from({ length: 24_576 }, () => "x".repeat(62));
    await say([...to("dmarc@in.test", "b@in.test"), "Subject: x", "", ...lines, "."], ANSWERED);
    expect(received.map((mail) => mail.to)).toEqual(["dmarc@in.test"]);
  });
});

describe("attacks", () => {
  test("a report that drips in is ended", async () => {
    await start({ "b@in.test": { outcome: "full" } }, { dataMs: 150 });
    expect(await say([...to("b@in.test"), "Subject: x"], /^421 /m)).toMatch(
      /^421 4\.4\.2 The report took too long/m,
    );
  });

  test("50 MB of DATA are not read to the end", async () => {
    await start({ "b@in.test": taken });
    const socket = open();
    const ended = once(socket, "close");
    await once(socket, "data");
    socket.write(to("b@in.test").join("\r\n") + "\r\n");
    const piece = Buffer.alloc(64 * 1024, "x\r\n");
    let sent = 0;
    socket.on("drain", more);
    function more() {
      while (sent < 50e6 && socket.writable) {
        sent += piece.length;
        if (!socket.write(piece)) return;
      }
    }
    more();
    await ended;
    expect(sent).toBeLessThan(30e6);
    expect(received).toEqual([]);
  });

  test("mails that come in together take no more memory than there is", async () => {
    await start({ "b@in.test": taken }, { maxInHand: 700_000 });
    const half = Array.from({ length: 8_000 }, () => "x".repeat(62));
    const first = open();
    await once(first, "data");
    first.write(`${[...to("b@in.test"), "Subject: x", "", ...half].join("\r\n")}\r\n`);
    await expect.poll(() => first.writableLength).toBe(0);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", ...half, "."], ANSWERED))).toMatch(
      /^452 4\.3\.1 Too much/,
    );
    first.write(".\r\n");
    await expect.poll(() => received.length).toBe(1);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", ...half, "."], ANSWERED))).toMatch(/^250/);
  });

  test("without room on the disk MAIL is put off, before anything is sent", async () => {
    let room = false;
    await start({ "b@in.test": taken }, { room: () => room });
    const mail = ["EHLO mx.test", "MAIL FROM:<>", "QUIT"];
    expect(await say(mail, /^221 /m)).toMatch(/^452 4\.3\.1 No room/m);
    room = true;
    expect(await say(mail, /^221 /m)).not.toMatch(/^452/m);
  });

  test("of 200 connections at once so many are served as an address may have, and it goes on", async () => {
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, connections: wide } });
    const greetings = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = open();
        const [text] = (await Promise.race([
          once(socket, "data"),
          once(socket, "close").then(() => [""]),
        ])) as [string];
        return text.slice(0, 3);
      }),
    );
    expect(greetings.filter((code) => code === "220")).toHaveLength(50);
    expect(new Set(greetings)).toEqual(new Set(["220", "421"]));
    hangUp();
    await expect
      .poll(() => say([...to("b@in.test"), "", "x", ".", "QUIT"], /^221 |^421 /m), { timeout: 5_000 })
      .toMatch(/^221 /m);
  });

  test("who tries address after address is sent away, with its neighbours", async () => {
    const few = { address: { limit: 3, periodMs: 3_600_000, burst: 3 }, network: wide.network };
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, strangers: few } });
    const guesses = Array.from({ length: 10 }, (_, i) => `RCPT TO:<guess${i}@in.test>`);
    const said = await say(["EHLO mx.test", "MAIL FROM:<>", ...guesses, "QUIT"], /^421 |^221 /m);
    expect(said.match(/^550 /gm)).toHaveLength(3);
    expect(said).toMatch(/^421 4\.7\.0 Too much/m);
    expect(await say(["EHLO mx.test"], /^250|^421/m)).toMatch(/^421 /m);
  });

  test("so many mails an hour from one address", async () => {
    const two = { address: { limit: 2, periodMs: 3_600_000, burst: 2 }, network: wide.network };
    await start({ "b@in.test": taken }, { rates: { ...INBOUND_RATES, messages: two } });
    const mails = Array.from({ length: 3 }, () => [...to("b@in.test").slice(1), "Subject: x", "", "x", "."]);
    for (const [i, mail] of mails.entries()) {
      const said = await say(["EHLO mx.test", ...mail, "QUIT"], /^221 /m);
      expect(said.includes("451 4.7.0")).toBe(i === 2);
    }
    expect(received).toHaveLength(2);
  });

  test("nobody fills the committee's inbox alone, and reports come all the same", async () => {
    const one = { address: { limit: 1, periodMs: 3_600_000, burst: 1 }, network: wide.network };
    await start(
      { "b@in.test": taken, "abuse@in.test": { outcome: "kept-for-people", entry: 1 } },
      { rates: { ...INBOUND_RATES, letters: one } },
    );
    const mail = [...to("abuse@in.test"), "Subject: x", "", "x", "."];
    expect(answer(await say(mail, ANSWERED))).toMatch(/^250 /);
    expect(await say(mail, /^[45]\d\d /m)).toMatch(/^451 4\.7\.0 Too much mail/m);
    expect(answer(await say([...to("b@in.test"), "Subject: x", "", "x", "."], ANSWERED))).toMatch(/^250 /);
  });

  test("an address has so many connections", async () => {
    await start({}, { maxPerAddress: 1 });
    expect(await say(["EHLO mx.test"], /^250 /m)).toMatch(/^220 /);
    expect(await say(["EHLO mx.test"], /^421 /m)).toMatch(/^421 4\.7\.0 Too many connections/);
  });
});
