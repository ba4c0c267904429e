import { expect, test } from "vitest";
import { startExim } from "./exim.ts";
import { startOpenSmtpd } from "./opensmtpd.ts";
import { until } from "./process.ts";
import { swaks } from "./swaks.ts";

const stored = (server: { rawMessages(): Promise<Buffer[]> }, count: number) =>
  until(`${count} stored messages`, async () => {
    const messages = await server.rawMessages();
    return messages.length >= count && messages.map((message) => message.toString());
  });

test("Exim takes mail over STARTTLS, stores it, greylists once, and refuses what is not its own", async () => {
  await using mx = await startExim({
    hostname: "mx.dest.test",
    domains: ["dest.test"],
    unknown: ["nobody", "gone.away"],
    greylisted: ["grey"],
  });
  const taken = await swaks("bob@dest.test", mx, "--tls");
  expect(taken.stdout).toContain("TLS started");
  for (const word of ["PIPELINING", "SMTPUTF8", "DSN", "8BITMIME"]) expect(taken.stdout).toContain(word);
  expect(taken.code).toBe(0);
  const [message] = await stored(mx, 1);
  expect(message).toMatch(/^Return-path: <alice@member\.test>/);
  expect(message).toContain("Envelope-to: bob@dest.test");
  expect(message).toContain("Subject: through swaks");
  expect(message).toMatch(/TLS1\.3/);

  for (const name of ["nobody", "gone.away"])
    expect((await swaks(`${name}@dest.test`, mx, "--tls")).stdout).toContain("550 5.1.1");
  expect((await swaks("bob@other.test", mx)).stdout).toContain("550 5.7.1");
  expect((await swaks("grey@dest.test", mx)).stdout).toContain("451 4.7.1 Greylisted");
  expect((await swaks("grey@dest.test", mx)).code).toBe(0);
  expect(await stored(mx, 2)).toHaveLength(2);
  expect(await mx.log()).toMatch(/<= alice@member\.test .* P=esmtps .*X=TLS1\.3/);
});

test("OpenSMTPD takes mail over STARTTLS, stores it, and refuses whom it does not know", async () => {
  await using mx = await startOpenSmtpd({ hostname: "mx.dest.test", domain: "dest.test", known: ["bob"] });
  const taken = await swaks("bob@dest.test", mx, "--tls");
  expect(taken.stdout).toContain("TLS started");
  expect(taken.stdout).not.toMatch(/PIPELINING|SMTPUTF8/);
  expect(taken.code, taken.stdout + mx.log()).toBe(0);
  const [message] = await stored(mx, 1);
  expect(message).toContain("Subject: through swaks");
  expect(message).toMatch(/TLSv1\.3/);
  expect((await swaks("eve@dest.test", mx, "--tls")).stdout).toContain("550 ");
  expect((await swaks("bob@other.test", mx)).stdout).toContain("550 ");
  expect(await mx.rawMessages()).toHaveLength(1);
});
