import type { Problem } from "./transport.ts";

/** Why there is no certificate, with what to do, in words for an operator. */
export type AcmeFault = { text: string; retryAfterMs: number };

/** An order that failed. */
export class AcmeError extends Error {
  readonly retryAfterMs: number;
  constructor({ text, retryAfterMs }: AcmeFault) {
    super(text);
    this.retryAfterMs = retryAfterMs;
  }
}

const ERROR = "urn:ietf:params:acme:error:";

/** Words for a problem document (RFC 8555 section 6.7). `name` is the host name that it is about. Pure. */
export function explainProblem({ type, detail, status, retryAfterMs }: Problem, name: string): AcmeFault {
  const said = ` (The authority said: ${detail})`;
  return { text: `${advice(type, status, name)}${said}`, retryAfterMs };
}

function advice(type: string, status: number, name: string): string {
  switch (type.startsWith(ERROR) ? type.slice(ERROR.length) : type) {
    case "connection":
    case "unauthorized":
    case "incorrectResponse":
    case "tls":
      return `The authority did not get our answer at http://${name}/.well-known/acme-challenge/: let ${name} point at this host, and port 80 of it reach ATMOS_ACME_HTTP_ADDRESS (a firewall, a proxy, or an AAAA record of another host is the usual reason).`;
    case "dns":
      return `The authority cannot resolve ${name}: publish its A and AAAA records.`;
    case "caa":
      return `A CAA record of ${name} does not allow this authority: add it there, or choose another ATMOS_ACME_DIRECTORY.`;
    case "rateLimited":
      return "The authority has given or refused too much of late and asks to wait; the next try keeps to that.";
    case "externalAccountRequired":
      return "The authority wants to know its customer: set ATMOS_ACME_EAB_KID and ATMOS_ACME_EAB_KEY from its web site.";
    case "badNonce":
      return "The authority refused one nonce after the other; that is a fault on its side.";
    case "rejectedIdentifier":
    case "unsupportedIdentifier":
      return `The authority issues no certificate for ${name}: look at ATMOS_POOL_HOSTNAME and ATMOS_ACME_NAMES.`;
    case "invalidContact":
    case "unsupportedContact":
      return "The authority does not take ATMOS_ACME_CONTACT as an address.";
    case "userActionRequired":
      return "The authority wants a person to do something first.";
    default:
      return status >= 500
        ? "The authority has a fault of its own."
        : "The authority refused; ATMOS_ACME_DIRECTORY should be the URL of an ACME directory.";
  }
}

const UNTRUSTED = /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF|UNABLE_TO_(GET_ISSUER|VERIFY)|CERT_UNTRUSTED)/;

/** Words for a conversation that did not come about. Pure. */
export function explainFailure(error: { message: string; code?: string }, directory: string): AcmeFault {
  const { code = "", message } = error;
  const why = UNTRUSTED.test(code)
    ? `the certificate of ${directory} is not trusted: for an authority of your own, name its root in ATMOS_ACME_CA_FILE`
    : code === "ENOTFOUND" || code === "EAI_AGAIN"
      ? `the name in ${directory} does not resolve: look at ATMOS_ACME_DIRECTORY and at this host's resolver`
      : code === "ECONNREFUSED"
        ? `nothing listens at ${directory}: look at ATMOS_ACME_DIRECTORY`
        : `${directory}: ${message}`;
  return { text: `The authority could not be asked: ${why}.`, retryAfterMs: 0 };
}
