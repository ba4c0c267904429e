import { generateKeyPairSync } from "node:crypto";
import { formatDkimKeyRecord, keyFingerprint } from "../../../protocol/dkim-record/index.ts";
import type { Situations } from "./fixture.ts";

const rsaOf = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).publicKey;
const [rsa, short, weak, long] = [rsaOf(2048), rsaOf(1024), rsaOf(768), rsaOf(4104)];
const ed = generateKeyPairSync("ed25519").publicKey;
const record = formatDkimKeyRecord(rsa);
const fingerprint = keyFingerprint(rsa);

const at = (selector: string, ...texts: string[]) =>
  texts.map((text) => `${selector}._domainkey.x.test TXT ${text}`);
const attested = (change: object = {}) => ({
  attestation: { dkim: [{ selector: "s", fingerprint, ...change }] },
});
const keyOf = (key: typeof rsa) => attested({ fingerprint: keyFingerprint(key) });
const asked = (...selectors: string[]) => ({ selectors });

export const dkim: Situations = {
  check: "dkim",
  cases: [
    ["the attested key", at("s", record), "pass", "", attested({ algorithm: "rsa" })],
    ["a padded fingerprint", at("s", record), "pass", "", attested({ fingerprint: `${fingerprint}=` })],
    ["a selector in capitals", at("s", record), "pass", "", attested({ selector: "S" })],
    ["without v=", at("s", record.replace("v=DKIM1; ", "")), "pass", "", attested()],
    ["with spaces in the key", at("s", record.replace(/p=(.{40})/, "p=$1 ")), "pass", "", attested()],
    [
      "behind an alias",
      ["s._domainkey.x.test CNAME k.pool.test", `k.pool.test TXT ${record}`],
      "pass",
      "",
      attested(),
    ],
    [
      "Ed25519 alone",
      at("s", formatDkimKeyRecord(ed)),
      "warn",
      "dkim-ed25519-only",
      attested({ fingerprint: keyFingerprint(ed), algorithm: "ed25519" }),
    ],
    [
      "Ed25519 beside RSA",
      [...at("s", record), ...at("e", formatDkimKeyRecord(ed))],
      "pass",
      "",
      {
        attestation: {
          dkim: [
            { selector: "s", fingerprint },
            { selector: "e", fingerprint: keyFingerprint(ed) },
          ],
        },
      },
    ],
    ["missing: NXDOMAIN", [], "fail", "dkim-missing", attested()],
    ["missing: no data", ["s._domainkey.x.test A 192.0.2.1"], "fail", "dkim-missing", attested()],
    ["another key", at("s", formatDkimKeyRecord(short)), "fail", "dkim-other-key dkim-short", attested()],
    [
      "another algorithm",
      at("s", record),
      "fail",
      "dkim-other-algorithm",
      attested({ algorithm: "ed25519" }),
    ],
    ["revoked", at("s", "v=DKIM1; p="), "fail", "dkim-revoked", attested()],
    ["not base64", at("s", "v=DKIM1; p=!"), "fail", "dkim-syntax", attested()],
    ["no key in it", at("s", "v=DKIM1; k=rsa"), "fail", "dkim-syntax", attested()],
    ["an unknown type of key", at("s", record.replace("k=rsa", "k=dsa")), "fail", "dkim-syntax", attested()],
    [
      "the wrong order",
      at("s", record.replace("v=DKIM1; k=rsa", "k=rsa; v=DKIM1")),
      "fail",
      "dkim-syntax",
      attested(),
    ],
    ["two keys", at("s", record, formatDkimKeyRecord(ed)), "fail", "dkim-multiple", attested()],
    ["the same twice", at("s", record, record), "fail", "dkim-multiple", attested()],
    [
      "one key in two records",
      at("s", record.slice(0, 200), record.slice(200)),
      "fail",
      "dkim-split",
      attested(),
    ],
    [
      "one key in two records, the other way",
      at("s", record.slice(200), record.slice(0, 200)),
      "fail",
      "dkim-split",
      attested(),
    ],
    ["1024 bits", at("s", formatDkimKeyRecord(short)), "warn", "dkim-short", keyOf(short)],
    ["768 bits", at("s", formatDkimKeyRecord(weak)), "fail", "dkim-weak", keyOf(weak)],
    ["more than 4096 bits", at("s", formatDkimKeyRecord(long)), "warn", "dkim-long", keyOf(long)],
    ["testing", at("s", `${record}; t=y`), "warn", "dkim-testing", attested()],
    ["for the very domain", at("s", `${record}; t=s`), "pass", "dkim-strict", attested()],
    ["both flags", at("s", `${record}; t=y:s`), "warn", "dkim-testing dkim-strict", attested()],
    ["not for mail", at("s", `${record}; s=tlsrpt`), "fail", "dkim-not-for-mail", attested()],
    ["for mail among others", at("s", `${record}; s=tlsrpt:email`), "pass", "", attested()],
    ["SHA-1 only", at("s", `${record}; h=sha1`), "fail", "dkim-not-sha256", attested()],
    ["an impossible selector", at("s", record), "fail", "dkim-syntax", attested({ selector: "a b" })],
    ["no answer in time", ["! s._domainkey.x.test timeout"], "temperror", "dns-timeout", attested()],
    ["badly signed", ["! s._domainkey.x.test bogus"], "temperror", "dns-bogus", attested()],
    [
      "a failure beside silence",
      ["! s._domainkey.x.test servfail"],
      "fail",
      "dkim-missing dns-servfail",
      { attestation: { dkim: ["s", "t"].map((selector) => ({ selector, fingerprint })) } },
    ],
    ["an attestation without keys", [], "fail", "dkim-none-attested", { attestation: {} }],
    ["nothing named", at("s", record), "pass", "dkim-not-checked"],
    ["a selector without attestation", at("s", record), "pass", "", asked("s")],
    ["a selector that is not there", [], "fail", "dkim-missing", asked("s")],
    ["a weak key without attestation", at("s", formatDkimKeyRecord(weak)), "fail", "dkim-weak", asked("s")],
    [
      "several selectors",
      [...at("s", record), ...at("t", "v=DKIM1; p=")],
      "fail",
      "dkim-revoked",
      asked("s", "t"),
    ],
    [
      "an attested selector asked for once more",
      at("s", record),
      "pass",
      "",
      { ...attested(), selectors: ["S"] },
    ],
  ],
};
