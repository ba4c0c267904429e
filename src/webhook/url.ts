const MOST = 2_000;

/**
 * A URL that a member may name: https, a host name or address, no user name. `allowPrivate`: http too, for the sandbox.
 * Whether its address is one of the internet is looked at when it is connected to.
 */
export function webhookUrl(
  text: string,
  allowPrivate: boolean,
): { ok: true; url: string } | { ok: false; why: string } {
  const url = text.length <= MOST ? URL.parse(text) : null;
  if (!url) return refused("is no URL");
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:"))
    return refused("must begin with https://");
  if (url.username || url.password) return refused("must not carry a user name; the signature says who asks");
  if (url.hash) return refused("must not have a part behind #");
  return { ok: true, url: url.href };
}

const refused = (why: string) => ({ ok: false as const, why: `The address ${why}.` });
