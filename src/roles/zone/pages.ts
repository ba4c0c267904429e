import { isIP } from "node:net";
import type { Context } from "hono";
import { isValidDid } from "@atproto/syntax";
import {
  addressKey,
  canonicalAddress,
  isAddressKey,
  labelValues,
  readPasted,
  snippets,
  unlistable,
  type AddressEntry,
  type Entry,
  type HistoryLine,
  type Listing,
  type PastedHeader,
} from "../../allowlist/index.ts";
import { normalizeDomain } from "../../attestation/index.ts";
import type { AllowlistPages, ListedView, ListingView } from "../../web/index.ts";
import type { AbuseDesk } from "../abuse-desk.ts";
import type { Zone } from "./index.ts";

type PageParts = {
  zone: Zone;
  publicUrl: string;
  digServer: string | null;
  poolDomain: string;
  /** Takes reports of abuse. Undefined where no relay runs. */
  abuse: AbuseDesk | undefined;
  clientOf: (c: Context) => string;
};

const CHANGES = 50;

/** What the pages of the allowlist show: public facts, of what is listed and of when that changed. */
export function createAllowlistPages(parts: PageParts): AllowlistPages {
  const { zone, publicUrl, digServer, poolDomain, abuse } = parts;
  const { store, place, publication } = zone;
  const settings = snippets({ zone: place.zone });

  /** Whether a member signed it now or once, or the pool. */
  const isSigner = (domain: string) =>
    domain === poolDomain ||
    domain.endsWith(`.${poolDomain}`) ||
    store.listed(domain) !== undefined ||
    store.historyOf(domain, 1).length > 0;
  const isOurs = (header: PastedHeader) => header.signers.some(({ domain }) => isSigner(domain));

  return {
    list() {
      const snapshot = publication.snapshot();
      const addresses = store.listedAddresses().length;
      const first = store.firstDomain();
      return {
        zone: place.zone,
        published: snapshot
          ? {
              serial: snapshot.head.serial,
              at: Date.parse(snapshot.head.issuedAt),
              id: snapshot.tail.id,
              key: snapshot.head.key,
              bytes: snapshot.bytes,
            }
          : null,
        domains: store.countListed() - addresses,
        addresses,
        example: first ? { domain: first.key, answer: first.code } : null,
        digServer,
        url: publicUrl,
        settings: settings.map(({ name, title, asks }) => ({ name, title, asks })),
      };
    },

    find(asked) {
      const subject = subjectOf(asked.trim());
      const empty = { asked, subject, zone: place.zone, listed: [], never: null, changes: [] };
      if (!subject) return empty;
      const { kind, name } = subject;
      if (kind === "account")
        return {
          ...empty,
          listed: store.listedOf(name).map(listedView),
          changes: store.historyOfDid(name, CHANGES).map(changeView),
        };
      const key = kind === "address" ? addressKey(name) : name;
      const entry = store.listed(key);
      return {
        ...empty,
        listed: entry ? [listedView(entry)] : [],
        never: kind === "domain" ? (unlistable(name, place) ?? null) : null,
        changes: store.historyOf(key, CHANGES).map(changeView),
      };
    },

    abuseAddress: `abuse@${poolDomain}`,

    settings: (name) => settings.find((one) => one.name === name),

    async paste(text) {
      const header = readPasted(text) ?? null;
      const domains = new Set(header?.signers.map(({ domain }) => domain));
      const found = [...domains].flatMap((domain) => store.listed(domain) ?? []);
      const sent = header && ((await abuse?.sent(header)) ?? null);
      return {
        header,
        listed: Object.fromEntries(found.map((entry) => [entry.key, listedView(entry)])),
        sent: sent && { did: sent.did, domain: sent.fromDomain, at: sent.receivedAt },
        isOurs: header !== null && (sent !== null || isOurs(header)),
        reference: abuse?.reference() ?? null,
      };
    },

    ...(abuse && {
      abuse: {
        async take(c, { header: text, ...form }) {
          const header = readPasted(text);
          if (!header) return "no-header";
          if (!isOurs(header) && !(await abuse.sent(header))) return "not-ours";
          return abuse.take({ ...form, text, header }, parts.clientOf(c));
        },
        status: abuse.status,
      },
    }),
  };
}

function subjectOf(text: string): ListingView["subject"] {
  if (text.startsWith("did:")) return isValidDid(text) ? { kind: "account", name: text } : null;
  if (isIP(text) !== 0) {
    const address = canonicalAddress(text);
    return address === undefined ? null : { kind: "address", name: address };
  }
  const domain = normalizeDomain(text);
  return domain === undefined ? null : { kind: "domain", name: domain };
}

const nameOf = (key: string) => (isAddressKey(key) ? key.slice(1, -1) : key);

function listedView({ key, did, code, json }: Listing): ListedView {
  const common = { name: nameOf(key), did, code };
  if (isAddressKey(key)) return { ...common, proof: null, host: (JSON.parse(json) as AddressEntry).host };
  const entry = JSON.parse(json) as Entry;
  return {
    ...common,
    host: null,
    proof: {
      uri: entry.uri,
      cid: entry.cid,
      since: Date.parse(entry.since),
      labels: labelValues(entry),
      checks: Object.entries(entry.checks),
    },
  };
}

function changeView({ key, at, change, code, serial }: HistoryLine) {
  return { name: nameOf(key), at, change, code, serial };
}
