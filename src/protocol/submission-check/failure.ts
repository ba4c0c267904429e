import { IMPLICIT_PORTS, type Target } from "./url.ts";

/** What nodemailer throws, as far as it tells something. */
export type SmtpFault = {
  message: string;
  code?: string;
  /** The code of Node or OpenSSL beneath. */
  originalCode?: string;
  /** The server's words, and their number. */
  response?: string;
  responseCode?: number;
  command?: string;
};

/** The command that closes the connection: which step failed. */
export type FailureCode =
  | "wrong-mode"
  | "certificate-name"
  | "certificate-expired"
  | "certificate-untrusted"
  | "old-tls"
  | "unknown-host"
  | "refused"
  | "unreachable"
  | "blocked"
  | "silent"
  | "closed"
  | "not-smtp"
  | "starttls-stripped"
  | "starttls-failed"
  | "login"
  | "busy"
  | "rejected"
  | "unknown";

type Explained = { code: FailureCode; text: string };

/** What a failure means and what to do about it. Pure. */
export function explain(fault: SmtpFault, target: Pick<Target, "secure" | "host" | "port">): Explained {
  const { code = "", originalCode = "", responseCode = 0, message: said, command } = fault;
  // Where a server has answered, the words are its own: what they mention is not what failed here.
  const message = responseCode > 0 ? "" : said;
  const { host, port, secure } = target;
  if (/wrong version number|packet length too long|unknown protocol/i.test(message))
    return {
      code: "wrong-mode",
      text: `The server does not begin with TLS on port ${port}, and smtps:// asks for that. Use smtp:// for port ${port} (STARTTLS), or smtps:// with port 465 or 2465.`,
    };
  if (originalCode === "CERT_HAS_EXPIRED" || /certificate has expired/i.test(message))
    return {
      code: "certificate-expired",
      text: `The certificate of ${host} has expired: its operator must renew it. Is this machine's clock right?`,
    };
  if (originalCode === "ERR_TLS_CERT_ALTNAME_INVALID" || /altnames/i.test(message))
    return {
      code: "certificate-name",
      text: `The certificate is for another name than ${host}. Use the host name that the certificate names, not an address or an alias.`,
    };
  if (/certificate|self.signed|local issuer/i.test(message))
    return {
      code: "certificate-untrusted",
      text: `The certificate of ${host} comes from nobody whom this machine trusts. Between you and the server something may answer in its place; for an authority of your own give --ca FILE (a PDS: NODE_EXTRA_CA_CERTS).`,
    };
  if (/protocol version|unsupported protocol|handshake failure/i.test(message))
    return {
      code: "old-tls",
      text: `${host} and this machine have no version of TLS in common: TLS 1.2 is the least that may be used.`,
    };
  if (code === "EDNS" || /ENOTFOUND|EAI_AGAIN/.test(message))
    return { code: "unknown-host", text: `The name ${host} does not resolve. Look for a typing error.` };
  if (/ECONNREFUSED/.test(message))
    return {
      code: "refused",
      text: `Nothing listens at ${host}, port ${port}. Look at both, and whether the server runs.`,
    };
  if (/ENETUNREACH|EHOSTUNREACH|ENETDOWN/.test(message))
    return {
      code: "unreachable",
      text: `This machine has no way to ${host}: is its network up, and does it have IPv4?`,
    };
  if (/greeting never received/i.test(message))
    return secure || !IMPLICIT_PORTS.includes(port)
      ? {
          code: "silent",
          text: `The connection is open, but the server says nothing. If it expects TLS at once on port ${port}, use smtps:// there; otherwise something on the way takes the connection and passes nothing on.`,
        }
      : { code: "wrong-mode", text: `The server expects TLS at once on port ${port}. Use smtps:// there.` };
  if (message === "Timeout")
    return {
      code: "silent",
      text: `${host} stopped to answer in the middle of the conversation. Try again; if it stays so, something on the way cuts it off.`,
    };
  if (code === "ETIMEDOUT" || /timeout|ETIMEDOUT/i.test(message))
    return {
      code: "blocked",
      text: `No answer from ${host}, port ${port}. Many hosting companies block 465 and 587: try 2465 (smtps://) or 2587 (smtp://).`,
    };
  if (code === "ETLS" || command === "STARTTLS")
    return responseCode >= 500 || /not support|500|502/.test(said)
      ? {
          code: "starttls-stripped",
          text: `The server does not take STARTTLS on port ${port}, or something on the way takes it out. Use smtps:// with port 465 or 2465, which cannot be taken out.`,
        }
      : {
          code: "starttls-failed",
          text: `The server offers STARTTLS but does not begin it now; its words say why. Use smtps:// with port 465 or 2465.`,
        };
  if (code === "EPROTOCOL" && responseCode === 0)
    return {
      code: "not-smtp",
      text: `What answers at ${host}, port ${port} is no mail server. Look at host and port.`,
    };
  if (code === "EAUTH" || responseCode === 535 || responseCode === 534)
    return {
      code: "login",
      text: "User or secret is wrong, or was revoked. In a URL, characters such as `@ : / % # ?` in them must be percent-encoded (ours contain none), and a % that is followed by two hexadecimal digits is read as one character.",
    };
  if (responseCode >= 500)
    return { code: "rejected", text: "The server refused for good; its words say why." };
  if (responseCode >= 400)
    return { code: "busy", text: "The server refused for the moment; its words say why and until when." };
  if (code === "ECONNECTION" || /disconnected|closed|ECONNRESET|EPIPE|socket hang up/i.test(message))
    return {
      code: "closed",
      text: `${host} closed the connection before it said anything of use: too many connections, a firewall, or the wrong way to begin TLS for port ${port}.`,
    };
  return { code: "unknown", text: "The conversation broke. Try again, and look at the server's log." };
}
