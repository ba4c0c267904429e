import { parseTags } from "../protocol/dns/index.ts";
import { readAddress } from "../protocol/inspect/index.ts";
import { readHeader } from "../protocol/mime/index.ts";

/** One DKIM-Signature field, as it claims: whether it is valid a pasted text cannot show. */
export type PastedSigner = {
  domain: string;
  selector: string;
  /** It is the very domain in From:, as the settings for mail servers ask. */
  isAligned: boolean;
};

export type PastedHeader = {
  /** The domain of From:; null where there is none, or more than one. */
  from: string | null;
  signers: PastedSigner[];
  /** Domains of which the topmost Authentication-Results say `dkim=pass` (RFC 8601), and who says so. */
  verified: { by: string; domains: string[] } | null;
  messageId: string | null;
  /** What the pool puts into mail that leaves through it, as it stands here: `X-Atmos-Message`, and the return path. */
  marks: { message: string; returnPaths: string[] };
};

const MOST_SIGNERS = 10;
const DOMAIN = /^(?=.{1,253}$)([a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}$/;

/** What the header of a mail says of who signed it, for a person who pasted it. Undefined when it is no header. */
export function readPasted(text: string): PastedHeader | undefined {
  const { headers } = readHeader(Buffer.from(text.replace(/^\s+/, "")));
  if (headers.length === 0) return undefined;
  const all = (name: string) => headers.filter((header) => header.name === name).map(({ value }) => value);
  const froms = all("from");
  const from = froms.length === 1 ? domainOf(readAddress(froms[0]!)) : null;
  const signers = all("dkim-signature").flatMap((value) => {
    const tags = parseTags(value);
    if (typeof tags === "string") return [];
    const domain = (tags.get("d") ?? "").toLowerCase().replace(/\.$/, "");
    if (!DOMAIN.test(domain)) return [];
    return [{ domain, selector: (tags.get("s") ?? "").slice(0, 190), isAligned: domain === from }];
  });
  const results = all("authentication-results")[0];
  return {
    from,
    signers: signers.slice(0, MOST_SIGNERS),
    verified: results === undefined ? null : passesIn(results),
    marks: {
      message: (all("x-atmos-message")[0] ?? "").trim().slice(0, 320),
      returnPaths: all("return-path").slice(0, 5),
    },
    messageId: /<[^<>\s]{1,998}>/.exec(all("message-id")[0] ?? "")?.[0] ?? null,
  };
}

function domainOf(address: string): string | null {
  const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  return DOMAIN.test(domain) ? domain : null;
}

function passesIn(value: string): { by: string; domains: string[] } {
  const bare = value.replace(/\([^()]*\)/g, " ");
  const [by = "", ...results] = bare.split(";");
  const domains = results.flatMap((result) => {
    if (!/^\s*dkim\s*=\s*pass\b/i.test(result)) return [];
    const named = /\bheader\.(?:d\s*=\s*|i\s*=\s*[^\s@;]*@)"?([a-z0-9_.-]+)/i
      .exec(result)?.[1]
      ?.toLowerCase();
    return named !== undefined && DOMAIN.test(named) ? [named] : [];
  });
  return { by: by.trim().split(/\s/)[0]!.slice(0, 253), domains: [...new Set(domains)] };
}
