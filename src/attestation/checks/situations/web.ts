import { probeSmtp, type SmtpConnect, type TlsSession } from "../../../protocol/smtp-probe/index.ts";
import type { Transport } from "../../types.ts";

const nobody: SmtpConnect = async () => ({ fault: "nobody there" });

/** The web as a domain shows it: pages by their address, as text/plain. Everything else is 404. */
export function web(pages: Record<string, string | Response>, connect: SmtpConnect = nobody): Transport {
  return {
    probe: (target) => probeSmtp(target, "checker.test", connect),
    fetch: async (url) => {
      const page = pages[String(url)];
      if (page instanceof Response) return page.clone();
      return page === undefined
        ? new Response("no", { status: 404 })
        : new Response(page, { headers: { "content-type": "text/plain; charset=utf-8" } });
    },
  };
}

/** A mail server that says these lines, and shows this certificate. */
export function mailServer(lines: string[], tls: Partial<TlsSession> | { fault: string } = {}): Transport {
  return web({}, async () => {
    const rest = [...lines];
    return {
      readLine: async () => rest.shift(),
      write: () => {},
      startTls: async () =>
        "fault" in tls ? tls : { protocol: "TLSv1.3", named: true, expiresAt: 1e13, chain: [], ...tls },
      close: () => {},
    };
  });
}
