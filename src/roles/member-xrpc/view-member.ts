import type { Person } from "../../account/index.ts";
import type { CredentialView, Rotation } from "../../member/index.ts";
import type * as webhookLexicon from "../../protocol/lexicon/community/email/getWebhook.ts";
import type * as settingsLexicon from "../../protocol/lexicon/community/email/getSettings.ts";
import type * as credentialsLexicon from "../../protocol/lexicon/community/email/listCredentials.ts";
import type * as domainsLexicon from "../../protocol/lexicon/community/email/listDomains.ts";
import type { DeskSettings, DeskWebhook } from "../member-desk.ts";
import type { ListedDomain } from "../member-domains.ts";
import { datetime } from "../xrpc-view.ts";
import { asDid, asUri, present, time } from "./view-parts.ts";

export function domainsBody(domains: readonly ListedDomain[]): domainsLexicon.$OutputBody {
  return { domains: domains.map(domainView) } satisfies domainsLexicon.$OutputBody;
}

function domainView(domain: ListedDomain): domainsLexicon.Domain {
  const { name, status, addedAt, checkedAt, returnPath, attestation, records, keys, findings } = domain;
  return present({
    domain: name,
    status,
    addedAt: datetime(addedAt),
    checkedAt: time(checkedAt),
    returnPath,
    attestation: attestation && (attestation.uri as `at://did:${string}:${string}`),
    records,
    keys: rotationBody(keys),
    findings: findings.map(({ check, outcome, text, observed, remedy }) =>
      present({ check, outcome, text, observed, remedy: remedy?.text ?? null }),
    ),
  });
}

export function rotationBody(rotation: Rotation): domainsLexicon.Rotation {
  const { domain, keys, publish, seenAt, activeFrom, keep, remove } = rotation;
  return present({
    domain,
    keys,
    publish,
    seenAt: time(seenAt),
    activeFrom: time(activeFrom),
    keep: keep.map(({ name, until }) => ({ name, until: datetime(until) })),
    remove,
  });
}

export function credentialsBody(credentials: readonly CredentialView[]): credentialsLexicon.$OutputBody {
  return { credentials: credentials.map(credentialView) } satisfies credentialsLexicon.$OutputBody;
}

function credentialView(one: CredentialView): credentialsLexicon.Credential {
  const { id, name, username, domains, streams, hourly, daily, lastUsed, revoked, replacedBy, networks } =
    one;
  return present({
    id,
    name,
    username,
    domains,
    streams,
    hourly,
    daily,
    createdAt: datetime(one.createdAt),
    lastUsedAt: time(lastUsed?.at ?? null),
    lastAddress: lastUsed?.address ?? null,
    networks,
    revokedAt: time(revoked?.at ?? null),
    revokedBy: revoked?.by ?? null,
    replacedBy,
  });
}

export function webhookBody({ receiver, messages }: DeskWebhook): webhookLexicon.$OutputBody {
  return present({
    receiver: receiver && receiverView(receiver),
    messages: messages.map(({ at, nextAt, why, ...rest }) =>
      present({ ...rest, at: datetime(at), nextAt: time(nextAt), why: why === "" ? null : why }),
    ),
  }) satisfies webhookLexicon.$OutputBody;
}

function receiverView(receiver: NonNullable<DeskWebhook["receiver"]>): webhookLexicon.Receiver {
  const { url, setAt, setBy, failing, stopped } = receiver;
  return present({
    url: asUri(url),
    setAt: datetime(setAt),
    setBy,
    failingSince: time(failing?.since ?? null),
    stoppedAt: time(stopped?.at ?? null),
    stoppedWhy: stopped?.why ?? null,
  });
}

export function settingsBody(
  { bounces, replies }: DeskSettings,
  people: readonly Person[],
): settingsLexicon.$OutputBody {
  return present({
    bounces,
    replies,
    people: people.map(({ person, role, addedAt, addedBy }) => ({
      did: asDid(person),
      role,
      addedAt: datetime(addedAt),
      addedBy,
    })),
  }) satisfies settingsLexicon.$OutputBody;
}
