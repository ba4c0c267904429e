import { generateKeyPair, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import PostalMime from "postal-mime";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { DAY_MS, type Clock } from "../../lib/clock.ts";
import type { Database } from "../../platform/database.ts";
import { tlsaName, tlsaOf } from "../../protocol/dane/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";
import type { Authority } from "../certificates.ts";
import type { Zones } from "../dns.ts";
import { authenticate } from "./authenticate.ts";
import { aggregateReport, dueReports } from "./dmarc-reports.ts";
import { sendOut, type OutgoingMail } from "./outgoing.ts";
import { abuseReport, failureNotice, type ReportSubject } from "./reports.ts";
import { behaviourOf, refusal, UNKNOWN_USER, type SmtpReply } from "./script.ts";
import { createInbox, type Inbox, type StoredMessage } from "./store.ts";

/**
 * A domain with its one MX, which listens on `address` (127.0.0.x); several may share both. `dane`: under DNSSEC, with a TLSA
 * record. `ownRecords`: its owner writes what the DNS says of it.
 */
type MailboxDomain = { domain: string; mx: string; address: string; dane?: boolean; ownRecords?: boolean };

type MailboxOptions = {
  /** Opened with `mailboxMigration`. */
  db: Database;
  clock: Clock;
  resolver: Resolver;
  authority: Authority;
  domains: readonly [MailboxDomain, ...MailboxDomain[]];
  /** The same on all addresses; 0 picks one. */
  port: number;
  /** Where the MXs of others listen, for complaints and bounces. */
  outgoingPort: number;
  /** How long `slow` takes to answer. */
  slowMs?: number;
  onMessage?: (message: StoredMessage) => void;
  onError?: (error: unknown) => void;
};

export interface MailboxProvider {
  port: number;
  inbox: Inbox;
  /** Writes MX, addresses, SPF, DKIM and DMARC of the domains into the sandbox's DNS. */
  publish(zones: Zones): void;
  /** Complaints about mail with a valid signature of `domain` (`d=`) go to `address` from now on. */
  registerFeedback(domain: string, address: string): void;
  /** Whose mailbox it is calls a message spam now: false when the provider does not have it any more. */
  complain(id: number): boolean;
  /** A message comes back after all, with a failure notice (DSN): false when it is not there, or has no return path. */
  sendBack(id: number): boolean;
  /** While erring, the host refuses everybody as unknown, as Gmail did in December 2020. */
  err(mx: string, erring: boolean): void;
  /** Its mail hosts, each with its domains. */
  hosts(): { mx: string; domains: string[]; erring: boolean }[];
  /** Resolves when no complaint or bounce is under way any more. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_CLIENTS = 200;
const MAX_RECIPIENTS = 100;
const MAX_TRIES_KEPT = 10_000;
const IDLE_MS = 60_000;
const SELECTOR = "mail";

/** A mailbox provider with several domains. Scripted recipients: see `behaviourOf`; all others take every message. */
export async function startMailboxProvider(options: MailboxOptions): Promise<MailboxProvider> {
  const { clock, resolver, domains, outgoingPort } = options;
  const inbox = createInbox(options.db);
  const feedback = new Map<string, string>();
  const tries = new Map<string, number>();
  const erring = new Set<string>();
  const underWay = new Set<Promise<void>>();
  const stop = new AbortController();
  const keys = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const privateKey = keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const publicKey = keys.publicKey.export({ type: "spki", format: "der" }).toString("base64");

  function triesBefore(key: string): number {
    const before = tries.get(key) ?? 0;
    tries.delete(key);
    tries.set(key, before + 1);
    if (tries.size > MAX_TRIES_KEPT) tries.delete(tries.keys().next().value!);
    return before;
  }

  function onRecipient(address: string, session: SMTPServerSession): SmtpReply | undefined {
    if (session.envelope.rcptTo.length >= MAX_RECIPIENTS)
      return { code: 452, text: "4.5.3 Too many recipients" };
    const home = domainOf(address, domains);
    if (!home) return { code: 550, text: "5.7.1 Relaying denied" };
    if (erring.has(home.mx)) return UNKNOWN_USER;
    const key = `${address.toLowerCase()} ${senderOf(session)}`;
    return refusal(behaviourOf(address), triesBefore(key));
  }

  async function take(raw: Buffer, session: SMTPServerSession, mx: string): Promise<void> {
    const now = clock.now();
    reportDays(Math.floor(now / DAY_MS));
    const [verdicts, parsed] = await Promise.all([
      authenticate(
        {
          raw,
          client: session.remoteAddress,
          helo: session.hostNameAppearsAs,
          mailFrom: senderOf(session),
          server: mx,
        },
        resolver,
        now,
      ),
      PostalMime.parse(raw, { maxNestingDepth: 20, maxHeadersSize: 512 * 1024 }),
    ]);
    for (const { address } of session.envelope.rcptTo) {
      const message: Omit<StoredMessage, "id" | "note"> = {
        receivedAt: now,
        mailbox: address.toLowerCase(),
        mailFrom: senderOf(session),
        helo: session.hostNameAppearsAs,
        client: session.remoteAddress,
        tls: tlsOf(session),
        headerFrom: parsed.from?.address ?? "",
        headerTo: (parsed.to ?? []).map((to) => to.address ?? to.name).join(", "),
        subject: (parsed.subject ?? "").slice(0, 500),
        verdicts,
        raw,
      };
      const stored: StoredMessage = { ...message, note: "", id: inbox.add(message) };
      followUp(stored);
      options.onMessage?.(stored);
    }
  }

  let reportedUpTo = Math.floor((inbox.latestAt() ?? clock.now()) / DAY_MS);

  /** A day is over with the first mail of the next: then those hear of it whose DMARC records ask for reports. */
  function reportDays(today: number): void {
    if (today <= reportedUpTo) return;
    const day = reportedUpTo;
    reportedUpTo = today;
    follow(report(day));
  }

  async function report(day: number): Promise<void> {
    const home = domains[0];
    const from = `dmarc@${home.domain}`;
    for (const due of await dueReports(inbox.between(day * DAY_MS, (day + 1) * DAY_MS), resolver)) {
      if (stop.signal.aborted) return;
      const raw = aggregateReport({ due, day, reporter: home.domain, from, now: clock.now() });
      const outcome = await sendOut({ mailFrom: from, to: due.to, raw }, outgoingFrom(home), stop.signal);
      if (outcome !== "delivered") options.onError?.(new Error(`DMARC report to ${due.to}: ${outcome}`));
    }
  }

  /** It is waited for before the provider is quiet. */
  function follow(work: Promise<void>): void {
    const following: Promise<void> = work
      .catch((error: unknown) => options.onError?.(error))
      .finally(() => underWay.delete(following));
    underWay.add(following);
  }

  const outgoingFrom = (home: MailboxDomain) => ({
    resolver,
    port: outgoingPort,
    helo: home.mx,
    localAddress: home.address,
    dkim: { domainName: home.domain, keySelector: SELECTOR, privateKey },
  });

  /** A message as reports tell of it, and the domain at which it came in. */
  function subjectOf(message: StoredMessage) {
    const home = domainOf(message.mailbox, domains)!;
    const raw = Buffer.from(message.raw);
    return { ...message, home, reporter: home.mx, recipient: message.mailbox, now: clock.now(), raw };
  }

  /** Complaints and late bounces, as the script of the recipient says. */
  function followUp(message: StoredMessage): void {
    const behaviour = behaviourOf(message.mailbox);
    if (behaviour === "spam") complain(message);
    if (behaviour === "late" && message.mailFrom) sendBack(message);
  }

  function sendBack(message: StoredMessage): void {
    const { home, ...about } = subjectOf(message);
    const subject: ReportSubject = { ...about, from: `postmaster@${home.domain}`, to: message.mailFrom };
    post({ mailFrom: "", to: message.mailFrom, raw: failureNotice(subject) }, home, message.id, "Bounce");
  }

  /** To the feedback loop of each domain that signed the message. */
  function complain(message: StoredMessage): void {
    const { home, ...about } = subjectOf(message);
    const signers = new Set(
      message.verdicts.dkim.flatMap((one) => (one.result === "pass" ? one.domain : [])),
    );
    const subscribed = [...signers].flatMap((domain) => {
      const to = feedback.get(domain);
      return to ? [{ domain, to }] : [];
    });
    if (subscribed.length === 0)
      inbox.setNote(message.id, "Marked as spam; no feedback loop for its signatures");
    for (const { domain, to } of subscribed) {
      const from = `feedback@${home.domain}`;
      const raw = abuseReport({ ...about, from, to }, domain);
      post({ mailFrom: from, to, raw }, home, message.id, "Complaint");
    }
  }

  function post(mail: OutgoingMail, from: MailboxDomain, about: number, what: string): void {
    async function send(): Promise<void> {
      const outcome = await sendOut(mail, outgoingFrom(from), stop.signal);
      if (!stop.signal.aborted) inbox.setNote(about, `${what} to ${mail.to}: ${outcome}`);
    }
    follow(send());
  }

  function onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    mx: string,
    answer: (reply?: SmtpReply) => void,
    hangUp: () => void,
  ): void {
    const behaviours = session.envelope.rcptTo.map((to) => behaviourOf(to.address));
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      if (behaviours.includes("drop")) hangUp();
      else if (!stream.sizeExceeded) chunks.push(chunk);
    });
    stream.on("error", hangUp);
    stream.on("end", () => {
      if (stream.sizeExceeded) return answer({ code: 552, text: "5.3.4 Message too big" });
      const patience = behaviours.includes("slow") ? pause(options.slowMs ?? 5_000) : Promise.resolve();
      patience
        .then(() => take(Buffer.concat(chunks), session, mx))
        .then(
          () => answer(),
          (error: unknown) => {
            options.onError?.(error);
            answer({ code: 451, text: "4.3.0 Internal error" });
          },
        );
    });
  }

  function serverFor(address: string): SMTPServer {
    const names = [...new Set(domains.filter((one) => one.address === address).map((one) => one.mx))];
    const mx = names[0]!;
    const certificate = options.authority.issue(names);
    leaves.set(address, new X509Certificate(certificate.cert).raw);
    const server = new SMTPServer({
      ...certificate,
      minVersion: "TLSv1.2",
      name: mx,
      banner: "ready",
      size: MAX_BYTES,
      maxClients: MAX_CLIENTS,
      socketTimeout: IDLE_MS,
      closeTimeout: 500,
      authOptional: true,
      disabledCommands: ["AUTH"],
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: true,
      logger: false,
      onRcptTo: (to, session, callback) => callback(failure(onRecipient(to.address, session))),
      onData(stream, session, callback) {
        const connection = [...server.connections].find((one) => one.session === session);
        onData(
          stream,
          session,
          mx,
          (reply) => callback(failure(reply)),
          () => connection?._socket.destroy(),
        );
      },
    });
    server.on("error", () => {});
    return server;
  }

  const leaves = new Map<string, Uint8Array>();
  const servers: SMTPServer[] = [];
  let { port } = options;
  for (const address of new Set(domains.map((one) => one.address))) {
    const server = serverFor(address);
    await once(server.listen(port, address), "listening");
    port = (server.server.address() as AddressInfo).port;
    servers.push(server);
  }

  return {
    port,
    inbox,
    publish(zones) {
      for (const { domain, mx, address, dane, ownRecords } of domains) {
        if (ownRecords) continue;
        zones.addZone(domain);
        zones.set(domain, "MX", { preference: 10, exchange: mx });
        zones.set(mx, "A", { address });
        zones.set(domain, "TXT", { text: `v=spf1 ip4:${address} -all` });
        zones.set(mx, "TXT", { text: `v=spf1 ip4:${address} -all` });
        zones.set(`${SELECTOR}._domainkey.${domain}`, "TXT", { text: `v=DKIM1; k=rsa; p=${publicKey}` });
        zones.set(`_dmarc.${domain}`, "TXT", { text: "v=DMARC1; p=reject" });
        const tlsa = dane ? tlsaOf(leaves.get(address)!) : undefined;
        if (!tlsa) continue;
        zones.set(tlsaName(mx), "TLSA", tlsa);
        zones.sign(domain);
      }
    },
    registerFeedback: (domain, address) => void feedback.set(domain.toLowerCase(), address),
    complain(id) {
      const message = inbox.get(id);
      if (message) complain(message);
      return message !== undefined;
    },
    sendBack(id) {
      const message = inbox.get(id);
      if (!message?.mailFrom) return false;
      sendBack(message);
      return true;
    },
    err(mx, on) {
      if (on) erring.add(mx);
      else erring.delete(mx);
    },
    hosts: () =>
      [...Map.groupBy(domains, ({ mx }) => mx)].map(([mx, all]) => ({
        mx,
        domains: all.map(({ domain }) => domain),
        erring: erring.has(mx),
      })),
    async settle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    async close() {
      stop.abort();
      await Promise.all(servers.map((server) => new Promise<void>((done) => server.close(done))));
      await Promise.all(underWay);
    },
  };
}

function domainOf(address: string, domains: readonly MailboxDomain[]): MailboxDomain | undefined {
  const name = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  return domains.find((one) => one.domain === name);
}

function senderOf(session: SMTPServerSession): string {
  return session.envelope.mailFrom ? session.envelope.mailFrom.address : "";
}

function tlsOf(session: SMTPServerSession): string | null {
  if (!session.secure) return null;
  const cipher = session.tlsOptions as { version?: string; standardName?: string; name?: string } | undefined;
  return [cipher?.version, cipher?.standardName ?? cipher?.name].filter(Boolean).join(" ");
}

function failure(reply: SmtpReply | undefined): (Error & { responseCode: number }) | null {
  return reply ? Object.assign(new Error(reply.text), { responseCode: reply.code }) : null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
