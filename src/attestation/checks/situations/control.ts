import { generateKeyPairSync } from "node:crypto";
import { formatDkimKeyRecord, keyFingerprint } from "../../../protocol/dkim-record/index.ts";
import { DID, type Situations } from "./fixture.ts";
import { web } from "./web.ts";

const own = "_email-attestation.x.test";
const handle = "_atproto.x.test";
const ed = generateKeyPairSync("ed25519").publicKey;
const issued = [{ selector: "atms1", fingerprint: keyFingerprint(ed) }];
const key = `atms1._domainkey.x.test TXT ${formatDkimKeyRecord(ed)}`;
const did = DID;

export const control: Situations = {
  check: "domain-control",
  cases: [
    ["its own name", [`${own} TXT other`, `${own} TXT did=${DID}`], "pass", "", { did }],
    ["as for handles", [`${handle} TXT did=${DID}`], "pass", "", { did }],
    [
      "one name silent, the other answers",
      [`! ${own} timeout`, `${handle} TXT did=${DID}`],
      "pass",
      "",
      { did },
    ],
    [
      "several operators of one domain",
      [`${own} TXT did=did:plc:b`, `${own} TXT did=${DID}`],
      "pass",
      "",
      { did },
    ],
    ["spaces around it", [`${own} TXT  did=${DID} `], "pass", "", { did }],
    ["missing", [`${own} TXT something`], "fail", "control-missing", { did }],
    ["nothing at all", [], "fail", "control-missing", { did }],
    ["another account", [`${own} TXT did=did:plc:other`], "fail", "control-other-did", { did }],
    ["a longer DID is another", [`${own} TXT did=${DID}x`], "fail", "control-other-did", { did }],
    ["no answer in time", [`! ${own} timeout`], "temperror", "dns-timeout", { did }],
    ["name servers broken", [`! ${handle} servfail`], "temperror", "dns-servfail", { did }],
    ["forged or badly signed", [`! ${own} bogus`], "temperror", "dns-bogus", { did }],
    ["the resolver refuses", [`! ${own} refused`], "temperror", "dns-no-answer", { did }],
    ["without a DID nothing is judged", [`${own} TXT did=${DID}`], "warn", "control-unknown-did"],
    ["without a DID, silence is no absence", [`! ${own} timeout`], "temperror", "dns-timeout"],
    ["the key made for the member", [key], "pass", "control-by-key", { did, issued }],
    [
      "another key under its selector",
      ["atms1._domainkey.x.test TXT v=DKIM1; p="],
      "fail",
      "control-missing",
      { did, issued },
    ],
    [
      "its selector silent",
      ["! atms1._domainkey.x.test servfail"],
      "temperror",
      "dns-servfail",
      { did, issued },
    ],
    ["a key that was made for nobody proves nothing", [key], "fail", "control-missing", { did }],
    [
      "a handle over HTTPS alone",
      [],
      "fail",
      "control-missing control-https-only",
      { did, transport: web({ "https://x.test/.well-known/atproto-did": `${DID}\n` }) },
    ],
    [
      "another handle over HTTPS",
      [],
      "fail",
      "control-missing",
      { did, transport: web({ "https://x.test/.well-known/atproto-did": "did:plc:other" }) },
    ],
  ],
};
