import { readSrs } from "../protocol/srs/index.ts";
import { readToken } from "../protocol/verp/index.ts";
import { readTestAddress } from "../test-mail/index.ts";

/** RFC 2142, and where feedback loops and reports come to. */
const ROLES = ["postmaster", "abuse", "fbl", "dmarc", "tlsrpt"] as const;
export type RoleName = (typeof ROLES)[number];

/** What an address of ours is for. `stranger`: it is none. */
export type Destination =
  | { kind: "token"; recipientId: string }
  /** A bounce of mail that was forwarded. */
  | { kind: "forward"; id: string }
  | { kind: "expired" }
  /** A member tries how its mail arrives. */
  | { kind: "test"; handle: string; id: string }
  | { kind: "role"; role: RoleName }
  | { kind: "stranger" };

export type AddressBook = {
  tokenKey: Uint8Array;
  poolDomains: ReadonlySet<string>;
  /** A return-path name that a member has delegated to us. */
  isBounceName: (domain: string) => boolean;
};

/**
 * Pure. A token is proof enough at whatever name it comes to: the domain of a member that has left is not known any more. A bare
 * `postmaster` is the pool's (RFC 5321 section 4.5.1).
 */
export function destinationOf(address: string, book: AddressBook, now: number): Destination {
  const at = address.lastIndexOf("@");
  const local = (at < 0 ? address : address.slice(0, at)).toLowerCase();
  const domain = at < 0 ? "" : address.slice(at + 1).toLowerCase();
  const recipientId = readToken(address, book.tokenKey);
  if (recipientId !== undefined) return { kind: "token", recipientId };
  const forward = readSrs(address, book.tokenKey, now);
  if (forward === "expired") return { kind: "expired" };
  if (forward) return { kind: "forward", id: forward.id };
  const test = readTestAddress(address, book.tokenKey, now);
  if (test) return { kind: "test", handle: test.handle, id: test.id };
  const role = ROLES.find((name) => name === local);
  if (!role) return { kind: "stranger" };
  if (book.poolDomains.has(domain)) return { kind: "role", role };
  if (role === "postmaster" && domain === "") return { kind: "role", role };
  const atBounceName = (role === "postmaster" || role === "abuse") && book.isBounceName(domain);
  return atBounceName ? { kind: "role", role } : { kind: "stranger" };
}
