/** What was seen at one port of a submission server. */
export type PortFacts = {
  port: number;
  /** How TLS should begin there. */
  mode: "implicit" | "starttls";
  /** The address that was reached, or the last that was tried. */
  address?: string;
  tcp: "open" | "refused" | "timeout" | "unreachable";
  /** First line that came in clear, if any. */
  clear?: string;
  /** After EHLO in clear. */
  starttls?: "offered" | "missing" | "masked" | "refused";
  /** Handshake as it should be there; undefined: it did not come to that. */
  tls?: TlsFacts | { fault: string };
  /** Handshake in the other way, tried when the right way failed. */
  otherMode?: boolean;
  /** First line under TLS, and whether AUTH was offered. */
  greeting?: string;
  auth?: boolean;
};

export type TlsFacts = {
  protocol: string;
  /** The certificate names the host. */
  named: boolean;
  /** Names of the certificate, and who issued it. */
  names: string;
  issuer: string;
  notBefore: number;
  notAfter: number;
  /** Why its chain does not lead to a known authority. */
  untrusted?: string;
};

export type PortStatus =
  | "right"
  | "blocked"
  | "refused"
  | "unreachable"
  | "silent"
  | "wrong-mode"
  | "certificate-name"
  | "certificate-expired"
  | "certificate-untrusted"
  | "tls-failed"
  | "starttls-stripped"
  | "not-smtp"
  | "unwilling"
  | "no-login";

export type PortFinding = { port: number; mode: PortFacts["mode"]; status: PortStatus; text: string };

/** What the facts of one port mean, in words. Pure. */
export function judgePort(facts: PortFacts, host: string, now: number): PortFinding {
  const [status, text] = judge(facts, host, now);
  return { port: facts.port, mode: facts.mode, status, text };
}

const clip = (text: string) => text.slice(0, 120);

function judge(facts: PortFacts, host: string, now: number): [PortStatus, string] {
  const { mode, tcp, clear, starttls, tls, otherMode, greeting, auth } = facts;
  const other = mode === "implicit" ? "STARTTLS (smtp://)" : "TLS at once (smtps://)";
  if (tcp === "timeout")
    return ["blocked", "no answer: a firewall on the way drops it, most often that of the hosting company"];
  if (tcp === "refused") return ["refused", "nothing listens there"];
  if (tcp === "unreachable") return ["unreachable", "this machine has no way there"];
  if (clear !== undefined && !/^\d{3}[ -]/.test(clear))
    return ["not-smtp", `what answers is no mail server: "${clip(clear)}"`];
  if (otherMode === true) return ["wrong-mode", `it answers, but with ${other} on this port`];
  if (clear !== undefined && !clear.startsWith("220") && tls === undefined)
    return ["unwilling", `the server takes no mail now: "${clip(clear)}"`];
  if (starttls === "missing" || starttls === "masked" || starttls === "refused")
    return [
      "starttls-stripped",
      starttls === "masked"
        ? "something on the way writes over STARTTLS (a firewall that inspects mail): nothing may be sent there"
        : `${starttls === "refused" ? "STARTTLS is offered, and then refused" : "STARTTLS is not offered"}: the server has none, or something on the way takes it out`,
    ];
  if (tls === undefined)
    return [
      "silent",
      "the connection is open, but nothing is said: something on the way takes it and passes nothing on",
    ];
  if ("fault" in tls) return ["tls-failed", `TLS does not come about: ${clip(tls.fault)}`];
  const certificate = judgeCertificate(tls, host, now);
  if (certificate) return certificate;
  if (greeting === undefined) return ["silent", "TLS is right, but the server does not greet"];
  if (!/^\d{3}[ -]/.test(greeting))
    return ["not-smtp", `what answers is no mail server: "${clip(greeting)}"`];
  if (!greeting.startsWith("220") && !greeting.startsWith("250"))
    return ["unwilling", `the server takes no mail now: "${clip(greeting)}"`];
  if (auth !== true)
    return ["no-login", "a mail server, but it offers no log-in: this is not where mail is submitted"];
  return ["right", `open, ${tls.protocol}, and the certificate is right until ${day(tls.notAfter)}`];
}

function judgeCertificate(tls: TlsFacts, host: string, now: number): [PortStatus, string] | undefined {
  if (tls.notAfter <= now || tls.notBefore > now)
    return [
      "certificate-expired",
      tls.notAfter <= now
        ? `the certificate expired on ${day(tls.notAfter)}`
        : `the certificate is valid from ${day(tls.notBefore)} only: is this machine's clock right?`,
    ];
  if (!tls.named)
    return ["certificate-name", `the certificate is not for ${host} but for ${clip(tls.names)}`];
  if (tls.untrusted !== undefined)
    return [
      "certificate-untrusted",
      `nobody whom this machine trusts issued the certificate (${clip(tls.issuer)}, ${tls.untrusted}): an authority of your own, or something on the way that reads along`,
    ];
  return undefined;
}

const day = (at: number) => new Date(at).toISOString().slice(0, 10);

/** Which port to use: TLS at once before STARTTLS (RFC 8314), the usual ports before the others; undefined: none. Pure. */
export function bestPort(findings: readonly PortFinding[]): PortFinding | undefined {
  const right = findings.filter(({ status }) => status === "right");
  return right.find(({ mode }) => mode === "implicit") ?? right[0];
}

/** What all ports together mean, when none is right. Pure. */
export function adviseNone(findings: readonly PortFinding[], host: string): string {
  const every = (...wanted: PortStatus[]) => findings.every(({ status }) => wanted.includes(status));
  const some = (status: PortStatus) => findings.some((finding) => finding.status === status);
  if (every("blocked"))
    return `Nothing gets through to ${host}. Ask the hosting company of this machine to open one of these ports, or look at its firewall.`;
  if (every("blocked", "refused", "unreachable"))
    return some("refused")
      ? `${host} is there, but no mail server listens on these ports. Look at the host name, and whether the server runs.`
      : `This machine cannot reach ${host}. Look at its network.`;
  if (some("certificate-name")) return "Use the host name that the certificate names.";
  if (some("certificate-expired"))
    return `The operator of ${host} must renew its certificate; until then no PDS will send there.`;
  if (some("certificate-untrusted"))
    return "For an authority of your own give --ca FILE, and NODE_EXTRA_CA_CERTS to the PDS; otherwise something on the way reads along, and nothing should be sent.";
  if (some("wrong-mode"))
    return "A server answers, but TLS begins in another way there than these ports say.";
  return "None of these ports can be used as it is; what is said of each is the place to begin.";
}
