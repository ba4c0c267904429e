import { Secp256k1Keypair } from "@atproto/crypto";
import { IdResolver } from "@atproto/identity";
import { verifyRecords } from "@atproto/repo";
import { SMTPServer } from "smtp-server";
import { expect, test } from "vitest";
import { startCertificateAuthority, type Certificate } from "./certificate.ts";
import { startPds } from "./pds.ts";
import { freePort, until } from "./process.ts";

/** An SMTP server with implicit TLS that keeps what it is sent. */
async function startMailServer(certificate: Certificate) {
  const messages: { to: string[]; user: string; raw: string }[] = [];
  const server = new SMTPServer({
    secure: true,
    key: certificate.key,
    cert: certificate.cert,
    onAuth: (auth, _session, callback) => callback(null, { user: `${auth.username} ${auth.password}` }),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = session.envelope.rcptTo.map((recipient) => recipient.address);
        messages.push({ to, user: String(session.user), raw: Buffer.concat(chunks).toString() });
        callback();
      });
    },
  });
  server.on("error", () => undefined);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const stop = () => new Promise<void>((resolve) => server.close(resolve));
  return { port, messages, [Symbol.asyncDispose]: stop };
}

test("the PDS makes accounts and records that can be proven, and sends its mail through the server it is told", async () => {
  await using authority = await startCertificateAuthority();
  await using mail = await startMailServer(await authority.issue("localhost", "127.0.0.1"));
  await using pds = await startPds({
    smtpUrl: `smtps://member:secret@localhost:${mail.port}`,
    fromAddress: "noreply@member.test",
    trust: authority.certPath,
  });

  const alice = await pds.createAccount("alice.test", "alice@reader.test", "pass-word-1");
  expect(alice.did).toMatch(/^did:plc:/);

  await pds.requestEmailConfirmation(alice);
  const confirmation = await until("the confirmation mail", () => mail.messages[0]);
  expect(confirmation).toMatchObject({ to: ["alice@reader.test"], user: "member secret" });
  expect(confirmation.raw).toMatch(/^From: noreply@member\.test\r$/m);
  expect(confirmation.raw).toMatch(/^Subject: Email Confirmation\r$/m);
  const token = /\b([A-Z2-7]{5}-[A-Z2-7]{5})\b/.exec(confirmation.raw)?.[1] ?? "";
  await pds.confirmEmail(alice, token);

  await pds.requestPasswordReset("alice@reader.test");
  const reset = await until("the reset mail", () => mail.messages[1]);
  expect(reset.raw).toMatch(/^Subject: Password Reset Requested\r$/m);
  const code = /\b([A-Z2-7]{5}-[A-Z2-7]{5})\b/.exec(reset.raw)?.[1] ?? "";
  await pds.resetPassword(code, "pass-word-2");
  const again = await pds.createSession("alice.test", "pass-word-2");
  expect(again.did).toBe(alice.did);

  const collection = "community.email.attestation";
  const record = { domain: "member.test", createdAt: "2026-11-22T12:00:00.000Z" };
  await pds.putRecord(again, collection, "member.test", record);
  const resolver = new IdResolver({ plcUrl: pds.plcUrl, fetch: globalThis.fetch });
  const { signingKey } = await resolver.did.resolveAtprotoData(alice.did);
  const car = await pds.getRecordCar(alice.did, collection, "member.test");
  const proven = await verifyRecords(car, alice.did, signingKey);
  expect(proven.map((found) => found.record)).toEqual([{ $type: collection, ...record }]);
  const absent = await pds.getRecordCar(alice.did, collection, "other.test");
  expect(await verifyRecords(absent, alice.did, signingKey)).toEqual([]);

  const labelKey = await Secp256k1Keypair.create();
  await pds.addService(alice.did, "atproto_labeler", "AtprotoLabeler", "https://labeler.test");
  await pds.addVerificationMethod(alice.did, "atproto_label", labelKey.did());
  const document = await resolver.did.resolve(alice.did, true);
  expect(document?.service?.map((service) => service.id)).toEqual(["#atproto_pds", "#atproto_labeler"]);
  expect(document?.verificationMethod?.map((method) => method.id.split("#")[1])).toContain("atproto_label");
});

test("a PDS that does not trust the certificate sends nothing", async () => {
  await using authority = await startCertificateAuthority();
  await using mail = await startMailServer(await authority.issue("localhost"));
  await using pds = await startPds({
    smtpUrl: `smtps://member:secret@localhost:${mail.port}`,
    fromAddress: "noreply@member.test",
  });
  const bob = await pds.createAccount("bob.test", "bob@reader.test", "pass-word-1");
  await expect(pds.requestEmailConfirmation(bob)).rejects.toMatchObject({ status: 500 });
  expect(mail.messages).toEqual([]);
});
