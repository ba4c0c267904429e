import { isIP } from "node:net";
import { isPrivate } from "../delivery/route.ts";

const NAMES =
  /(?:^|[\s(=@[.])(?:localhost|[\w-]+\.(?:local|localdomain|internal|intranet|lan|corp|private|home|home\.arpa))(?=$|[\s);\].])/i;

/** Does a Received field tell of hosts that are not on the public Internet? That is the submitter's own business. */
export function showsPrivateNetwork(field: string): boolean {
  const text = field.replace(/\r\n/g, "").replace(/\bIPv6:/gi, " ");
  if (NAMES.test(text)) return true;
  const words = text.match(/[0-9a-f]*:[0-9a-f:.]+|\d{1,3}(?:\.\d{1,3}){3}/gi) ?? [];
  return words.some((word) => addressesIn(word).some(isPrivate));
}

/** Also the IPv4 address at the end of an IPv6 one (`::ffff:10.0.0.1`), and one that a dot or a colon follows. */
function addressesIn(word: string): string[] {
  const candidates = [word, word.replace(/[.:]$/, ""), /\d{1,3}(?:\.\d{1,3}){3}$/.exec(word)?.[0] ?? ""];
  return candidates.filter((text) => isIP(text) !== 0);
}
