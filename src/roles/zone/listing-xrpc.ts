import { isIP } from "node:net";
import type { Hono } from "hono";
import {
  addressKey,
  canonicalAddress,
  isAddressKey,
  unlistable,
  type AddressEntry,
  type Entry,
  type HistoryLine,
  type Listing,
} from "../../allowlist/index.ts";
import { normalizeDomain } from "../../attestation/index.ts";
import * as listingLexicon from "../../protocol/lexicon/community/email/getListing.ts";
import type { PublicChecks } from "../public-checks.ts";
import { invalid, publicMethods } from "../public-methods.ts";
import type { Zone } from "./index.ts";

/** `community.email.getListing`: what stands in the allowlist, with what proves it. */
export function listingXrpc(zone: Zone, parts: { authority: string; checks: PublicChecks }): Hono {
  const { app, serve } = publicMethods(parts);

  serve("getListing", {
    params: listingLexicon.$params,
    cost: 1,
    run({ domain: name, did, address: text, history = 50 }) {
      const { store, place } = zone;
      if ([name, did, text].filter((one) => one !== undefined).length !== 1)
        return invalid("Name one: a domain, an account (did) or an address");
      const of = (listed: Listing[], changes: HistoryLine[], reason?: string) => ({
        body: {
          zone: place.zone,
          serial: store.publication().serial,
          listed: listed.length > 0,
          ...(reason !== undefined && { reason }),
          entries: listed.map(entryView),
          changes: changes.map(changeView),
        },
      });
      if (did !== undefined) return of(store.listedOf(did), store.historyOfDid(did, history));
      const key = name === undefined ? keyOfAddress(text!) : normalizeDomain(name);
      if (key === undefined)
        return {
          status: 400,
          error: "InvalidDomain",
          message: `"${name ?? text}" is no mail domain and no address`,
        };
      const entry = store.listed(key);
      const reason = isAddressKey(key) ? undefined : unlistable(key, place);
      return of(entry ? [entry] : [], store.historyOf(key, history), reason);
    },
  });
  return app;
}

function keyOfAddress(text: string): string | undefined {
  const address = isIP(text.trim()) === 0 ? undefined : canonicalAddress(text);
  return address === undefined ? undefined : addressKey(address);
}

const nameOf = (key: string) => (isAddressKey(key) ? key.slice(1, -1) : key);

function entryView({ key, did, code, text, json }: Listing): object {
  const common = { name: nameOf(key), did, code, text };
  if (isAddressKey(key)) return { ...common, host: (JSON.parse(json) as AddressEntry).host };
  const { uri, cid, since, labels, checks } = JSON.parse(json) as Entry;
  const named = Object.entries(checks).map(([name, status]) => ({ name, status }));
  return { ...common, uri, cid, since, labels, checks: named };
}

function changeView({ key, did, change, code, serial, at }: HistoryLine): object {
  return { name: nameOf(key), did, change, code, serial, at: new Date(at).toISOString() };
}
