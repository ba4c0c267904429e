import type { PolicyBook } from "../policy/index.ts";
import type { DkimKeyRow } from "../member/index.ts";
import type { Spool, MessageView } from "../spool/index.ts";
import type { Clock } from "../lib/clock.ts";
import { maskAddress, maskText } from "../web/index.ts";
import { KEPT_MS } from "./core/retention.ts";
import type { Core } from "./core/index.ts";
import type { Labeler } from "./labeler.ts";
import type { ProofDesk } from "./member-proof.ts";
import type { ProviderPages } from "../web/index.ts";
import { DAY_MS } from "../lib/clock.ts";

export type ExportParts = {
  core: Core;
  labeler: Labeler | undefined;
  spool: Pick<Spool, "messages" | "attempts" | "toldTo"> | undefined;
  policyBook: Pick<PolicyBook, "byDid" | "limits"> | undefined;
  providers: Pick<ProviderPages, "ofMember"> | undefined;
  proofs: ProofDesk;
  clock: Clock;
};

/** One document; a list of rows, a page at a time; or lines as they are. */
export type ExportFile = { name: string; about: string } & (
  | { value: () => unknown }
  | { rows: () => AsyncIterable<unknown> }
  | { text: () => Promise<string> }
);

const PAGE = 200;
const MESSAGE_PAGE = 100;
/** More than anybody has of what is read at once. */
const MOST = 10_000;
const REPORT_DAYS = 400;

/** Every row of a list that comes in pages. What else this process does goes on between any two. */
async function* paged<T>(page: (last: T | undefined) => T[] | Promise<T[]>): AsyncGenerator<T> {
  let last: T | undefined;
  for (;;) {
    const rows = await page(last);
    yield* rows;
    if (rows.length === 0) return;
    last = rows.at(-1);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What is kept about a member, file by file. `whole`: with the addresses of its recipients; masked otherwise. */
export function exportFiles(parts: ExportParts, did: string, whole: boolean): ExportFile[] {
  const { core, labeler, spool, policyBook, providers, proofs, clock } = parts;
  const { members, standings, evidence } = core;
  const member = members.get(did)!;
  const now = clock.now();
  const address = (text: string) => (whole ? text : maskAddress(text));
  const words = (text: string, of: string) => (whole ? text : maskText(text, of));
  const domains = members.domainsOf(did);

  async function withAttempts(message: MessageView): Promise<unknown> {
    const addresses = new Map(message.recipients.map((one) => [one.id, one.address]));
    const attempts = (await spool?.attempts(message.id)) ?? [];
    const { recipients, ...facts } = message;
    return {
      ...facts,
      sender: message.sender,
      recipients: recipients.map((one) => ({
        ...one,
        address: address(one.address),
        orcpt: one.orcpt === null ? null : words(one.orcpt, one.address),
        waits: one.waits == null ? null : words(one.waits, one.address),
      })),
      attempts: attempts.map((attempt) => {
        const to = addresses.get(attempt.recipientId) ?? "";
        return {
          ...attempt,
          text: words(attempt.text, to),
          transcript: attempt.transcript.split("\n").map((line) => words(line, to)),
        };
      }),
    };
  }

  return [
    {
      name: "member.json",
      about:
        "Who you are here: name, tier, since when, standing with its way back, where replies and notices of returned mail go, limits and what of them is used.",
      value: () => ({
        ...member,
        standing: standings.state(did),
        cleanUntil: standings.cleanUntil(did),
        remedy: standings.remedyOf(did) ?? null,
        policy: core.policyOf(did)?.reason ?? null,
        limits: policyBook?.byDid(did) ? policyBook.limits(did, now) : null,
      }),
    },
    {
      name: "applications.json",
      about: "What you applied with, each time, and what was decided by whom.",
      value: () => members.applications.of(did),
    },
    {
      name: "vouches.json",
      about: "For whom you spoke, and who speaks for you while your application waits.",
      value: () => ({ given: members.vouches.ofMember(did), got: members.vouches.ofApplicant(did) }),
    },
    {
      name: "people.json",
      about: "Who acts for you beside your own account.",
      value: () => core.people.of(did),
    },
    {
      name: "tokens.json",
      about:
        "Your API tokens of late: what each may, when it was used last and who made it. What they say is kept as a hash only.",
      value: () => core.tokens.of(did, now),
    },
    {
      name: "domains.json",
      about:
        "Your domains: DNS records to publish, public keys with their states. Private keys are for signing here alone, and no copy leaves.",
      value: () =>
        domains.map((domain) => ({
          ...domain,
          hold: standings.hold(domain.name) ?? null,
          records: members.recordsFor(did, domain.name),
          keys: members.allKeysOf(domain.name).map(published),
        })),
    },
    {
      name: "credentials.json",
      about:
        "Your credentials: what each may, when and from where it was used last. Of secrets only a hash is kept.",
      value: () => members.credentialsOf(did),
    },
    {
      name: "standing.json",
      about: "Every change of your standing: the cause, the evidence, the remedy, the way back, who decided.",
      value: () => standings.changesOf(did, MOST),
    },
    {
      name: "notes.json",
      about: "What was written to you on your page.",
      value: () => standings.notes.list(did, MOST),
    },
    {
      name: "pauses.json",
      about: "Each time sending was stopped: by whom, why, and how it ended.",
      value: () => core.pauses.of(did, MOST),
    },
    {
      name: "cases.json",
      about: "What the committee had to decide about you, and decided.",
      value: () => core.cases.list("all", MOST, did),
    },
    {
      name: "mails.json",
      about: "Mails that told you of your standing and of pauses, with the address and what became of them.",
      value: () => core.notices.of(did, MOST),
    },
    {
      name: "webhooks.json",
      about: "The receiver that you named, and what was sent there.",
      value: () => ({ receiver: core.webhooks.of(did) ?? null, messages: core.webhooks.receipts(did, MOST) }),
    },
    {
      name: "evidence.json",
      about:
        "What is counted of your mail: bounces of the last 200 recipients that count, complaints of 30 and 90 days, sums of each day.",
      value: () => ({
        asOf: now,
        bounces: evidence.bounces(did, now),
        complaints30: evidence.complaints(did, now, 30),
        complaints90: evidence.complaints(did, now, 90),
        days: evidence
          .volumes(Math.floor((now - KEPT_MS.events) / DAY_MS), did)
          .map(({ day, ...sums }) => ({ day: dayName(day), ...sums })),
      }),
    },
    {
      name: "reports.json",
      about: "What others reported of your domains (DMARC and TLS), by day; in `source` no person is named.",
      value: () => Object.fromEntries(domains.map(({ name }) => [name, reportsOf(core, name)])),
    },
    {
      name: "provider-data.json",
      about: "What mailbox providers say of your mail, in the last 30 days.",
      value: () => providers?.ofMember(did)?.subjects ?? [],
    },
    {
      name: "labels.json",
      about:
        "Public labels about your account and its records: in force, and what is kept of all that was said.",
      value: () => ({
        inForce:
          labeler?.labels.inForceOf(did).map(({ label, since }) => ({ ...unsigned(label), since })) ?? [],
        said: labeler?.labels.history(did).map(({ label }) => unsigned(label)) ?? [],
      }),
    },
    {
      name: "attestations.json",
      about: "The attestations of your repository as they were proved, with the last checks of each domain.",
      value: () =>
        labeler?.attestations.byDid(did).map((one) => ({
          ...one,
          checks: labeler.attestations.latestChecks(one.uri),
        })) ?? [],
    },
    {
      name: "suppressions.ndjson",
      about:
        "Recipients to whom nothing of yours is sent. They are kept by keyed hash (`key`) and domain, so no list of addresses stands here.",
      rows: () =>
        paged((last: { id: number } | undefined) =>
          core.suppressions.list({ did, limit: PAGE, ...(last && { before: last.id }) }),
        ),
    },
    {
      name: "events.ndjson",
      about:
        "The log of what happened, as rules see it: no subject, no content, recipients by keyed hash. Times inside `envelope` are as Osprey has them.",
      rows: () =>
        paged((last: { seq: number } | undefined) => core.events.ofAfter(did, last?.seq ?? 0, PAGE)),
    },
    {
      name: "verdicts.ndjson",
      about: "What rules concluded about you, with the values that they saw.",
      rows: () =>
        paged((last: { id: number } | undefined) => core.verdicts.ofAfter(did, last?.id ?? 0, PAGE)),
    },
    {
      name: "messages.ndjson",
      about:
        "Every message that is still in the log, the newest first: recipients with their state, every attempt with what the other server said. Of contents nothing is kept once nobody waits for them.",
      async *rows() {
        if (!spool) return;
        const pages = paged((last: MessageView | undefined) =>
          spool.messages(did, { limit: MESSAGE_PAGE, ...(last && { before: last.seq }) }),
        );
        for await (const message of pages) yield await withAttempts(message);
      },
    },
    {
      name: "told.ndjson",
      about: "What you were told of your messages: delays, returned mail, deliveries for which you asked.",
      async *rows() {
        if (!spool) return;
        const pages = paged((last: { seq: number } | undefined) =>
          spool.toldTo(did, { limit: PAGE, ...(last && { before: last.seq }) }),
        );
        for await (const one of pages as AsyncGenerator<Awaited<ReturnType<Spool["toldTo"]>>[number]>)
          yield { ...one, address: address(one.address), text: words(one.text, one.address) };
      },
    },
    {
      name: "proof.jws",
      about:
        "Your reputation, signed by the labeler: anybody can check it with `atmos proof verify proof.jws`.",
      async text() {
        const made = await proofs.of(did);
        return "error" in made ? `${made.message}\n` : `${made.proof}\n`;
      },
    },
  ];
}

const dayName = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

function unsigned<T extends { sig: Uint8Array }>({ sig, ...label }: T) {
  return { ...label, sig: Buffer.from(sig).toString("base64") };
}

function published({ sealed: _sealed, ...key }: DkimKeyRow): Omit<DkimKeyRow, "sealed"> {
  return key;
}

const named = <T extends { day: number }>(rows: readonly T[]) =>
  rows.map(({ day, ...row }) => ({ day: dayName(day), ...row }));

function reportsOf(core: Core, domain: string): unknown {
  const found = core.reports.ofDomain(domain, REPORT_DAYS);
  if (!found) return null;
  return { sources: named(found.rows), tls: named(found.tls), reports: named(found.reports) };
}
