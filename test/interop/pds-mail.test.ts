import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POOL, POOL_HOST, startCooperative, tellLogOnFailure } from "./cooperative.ts";
import type { Cooperative, Member } from "./cooperative.ts";
import { startOpenDkimVerifier, type OpenDkimVerifier } from "./servers/opendkim.ts";
import { startPds, type Pds, type Session } from "./servers/pds.ts";
import { startPostfix, type Postfix } from "./servers/postfix.ts";
import { until } from "./servers/process.ts";

const MAILBOXES = "127.0.0.26";

let coop: Cooperative;
let member: Member;
let provider: Postfix;
let verifier: OpenDkimVerifier;
/** The operator's PDS, set up with nothing but the block that the product printed. */
let pds: Pds;
let alice: Session;

beforeAll(async () => {
  coop = await startCooperative();
  provider = await startPostfix({
    hostname: "mx.bigmail.test",
    host: MAILBOXES,
    port: coop.deliveryPort,
    domains: ["bigmail.test", "alder.test"],
    tls: await coop.authority.issue("mx.bigmail.test"),
  });
  coop.receives("bigmail.test", MAILBOXES);
  verifier = await startOpenDkimVerifier({ nameserver: coop.unbound });
  member = await coop.join("alder.test", { address: MAILBOXES });
  pds = await startPds({
    plcUrl: coop.pds.plcUrl,
    smtpUrl: member.environment["PDS_EMAIL_SMTP_URL"]!,
    fromAddress: member.environment["PDS_EMAIL_FROM_ADDRESS"]!,
    trust: coop.authority.certPath,
    resolver: coop.unbound.host,
  });
  alice = await pds.createAccount("alice.test", "alice@bigmail.test", "pass-word-1");
});
afterAll(async () => {
  await pds?.stop();
  await provider?.stop();
  await verifier?.stop();
  await coop?.stop();
});
tellLogOnFailure(() => coop?.product);

/** The one stored message with this subject. */
function stored(subject: string): Promise<string> {
  return until(`the message "${subject}"`, async () => {
    const messages = (await provider.messages()).filter((m) => m.includes(`\nSubject: ${subject}\n`));
    expect(messages.length).toBeLessThan(2);
    return messages[0];
  });
}

const tokenIn = (message: string) => /\b([A-Z2-7]{5}-[A-Z2-7]{5})\b/.exec(message)?.[1] ?? "no token";

/** A header field with its folded lines. */
const fields = (message: string, name: string) =>
  message
    .slice(0, message.indexOf("\n\n") + 1)
    .split(/\n(?![ \t])/)
    .filter((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`));

/** The message with only the signature that `keep` chooses. */
function withOneSignature(message: string, keep: string): string {
  return fields(message, "DKIM-Signature")
    .filter((field) => field !== keep)
    .reduce((text, field) => text.replace(`${field}\n`, ""), message);
}

test("the block for the PDS says implicit TLS, the host of the certificate and the member's sender", () => {
  expect(Object.keys(member.environment).toSorted()).toEqual([
    "PDS_EMAIL_FROM_ADDRESS",
    "PDS_EMAIL_SMTP_URL",
    "PDS_MODERATION_EMAIL_ADDRESS",
    "PDS_MODERATION_EMAIL_SMTP_URL",
  ]);
  expect(member.environment["PDS_EMAIL_SMTP_URL"]).toBe(
    `smtps://${member.username}:${member.secret}@${POOL_HOST}:${coop.product.ports.tls}`,
  );
  expect(member.environment["PDS_EMAIL_FROM_ADDRESS"]).toBe("noreply@alder.test");
});

describe("the mail of a real PDS arrives at a real Postfix", () => {
  test("the confirmation of an address, and its token works", async () => {
    await pds.requestEmailConfirmation(alice);
    const message = await stored("Email Confirmation");
    expect(fields(message, "From")).toEqual(["From: noreply@alder.test"]);
    expect(message).toContain("Delivered-To: alice@bigmail.test");
    await pds.confirmEmail(alice, tokenIn(message));
  });

  test("the reset of a password, and its token works", async () => {
    await pds.requestPasswordReset("alice@bigmail.test");
    await pds.resetPassword(tokenIn(await stored("Password Reset Requested")), "pass-word-2");
    expect((await pds.createSession("alice.test", "pass-word-2")).did).toBe(alice.did);
  });

  test("the return path is the member's, with a token; both hops were under TLS", async () => {
    const paths = new Set<string>();
    for (const subject of ["Email Confirmation", "Password Reset Requested"]) {
      const message = await stored(subject);
      const [path = ""] = fields(message, "Return-Path");
      expect(path).toMatch(/^Return-Path: <b\+[a-z2-7]{32}@bounce\.alder\.test>$/);
      paths.add(path);
      const [byPostfix = "", byUs = ""] = fields(message, "Received");
      expect(byPostfix).toContain(`from ${POOL_HOST}`);
      expect(byPostfix).toMatch(/using TLSv1\.3 with cipher/);
      expect(byPostfix).toMatch(/by mx\.bigmail\.test \(Postfix\) with ESMTPS id/);
      expect(byUs).toMatch(new RegExp(`by ${POOL_HOST.replaceAll(".", "\\.")}\\b[^]*with ESMTPSA`));
    }
    expect(paths.size).toBe(2);
  });

  test("OpenDKIM verifies every signature of both messages, together and each by itself", async () => {
    for (const subject of ["Email Confirmation", "Password Reset Requested"]) {
      const message = await stored(subject);
      const together = await verifier.verify(message);
      expect(together.map((s) => `${s.domain} ${s.algorithm} ${s.result}`).toSorted()).toEqual([
        "alder.test ed25519-sha256 pass",
        "alder.test rsa-sha256 pass",
        `${POOL} rsa-sha256 pass`,
      ]);
      const signatures = fields(message, "DKIM-Signature");
      expect(signatures).toHaveLength(3);
      const alone: string[] = [];
      for (const signature of signatures) {
        const results = await verifier.verify(withOneSignature(message, signature));
        expect(results).toHaveLength(1);
        alone.push(`${results[0]!.domain} ${results[0]!.result}`);
      }
      expect(alone.toSorted()).toEqual(["alder.test pass", "alder.test pass", `${POOL} pass`]);
      const changed = await verifier.verify(message.replace(/[A-Z2-7]{5}-[A-Z2-7]{5}/, "AAAAA-AAAAA"));
      expect(changed.map((s) => s.result)).toEqual(["fail", "fail", "fail"]);
    }
  });
});

describe("atmos send-test says what is wrong", () => {
  const url = (change: Partial<{ scheme: string; port: number; secret: string; host: string }> = {}) => {
    const { scheme, port, secret, host } = {
      scheme: "smtps",
      port: coop.product.ports.tls,
      secret: member.secret,
      host: POOL_HOST,
      ...change,
    };
    return `${scheme}://${member.username}:${secret}@${host}:${port}`;
  };
  const send = (to: string, target: string, ca: string | undefined = coop.authority.certPath) =>
    coop.product.run(
      "send-test",
      to,
      "--url",
      target,
      "--from",
      "noreply@alder.test",
      "--subject",
      "Sent by hand",
      ...(ca === "" ? [] : ["--ca", ca]),
    );

  test("nothing: the message arrives", async () => {
    const { code, answer } = await send("bob@bigmail.test", url());
    expect(answer).toMatchObject({ accepted: true, response: expect.stringMatching(/^250 2\.0\.0 /) });
    expect(code).toBe(0);
    expect(await stored("Sent by hand")).toContain("Delivered-To: bob@bigmail.test");
  });

  test.each<[string, () => string, string | undefined, RegExp]>([
    [
      "implicit TLS on the STARTTLS port",
      () => url({ port: coop.product.ports.starttls }),
      undefined,
      /does not begin with TLS on port.*Use smtp:\/\//,
    ],
    [
      "STARTTLS on the implicit-TLS port",
      () => url({ scheme: "smtp" }),
      undefined,
      /TLS at once.*smtps:\/\//,
    ],
    ["a wrong secret", () => url({ secret: "atms_wrong" }), undefined, /secret is wrong, or was revoked/],
    [
      "an unknown authority",
      () => url(),
      "",
      /certificate of \S+ comes from nobody whom this machine trusts.*--ca/,
    ],
    ["a name that does not exist", () => url({ host: "relai.coop.test" }), undefined, /does not resolve/],
    ["nobody there", () => url({ port: 1 }), undefined, /Nothing listens at \S+, port 1\b/],
  ])("%s", async (_name, target, ca, remedy) => {
    const { code, answer } = await send("bob@bigmail.test", target(), ca);
    expect(answer).toMatchObject({ accepted: false, remedy: expect.stringMatching(remedy) });
    expect(code).toBe(1);
  });
});
