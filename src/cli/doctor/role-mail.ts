import { fail, ok, warn, type Probe } from "./probe.ts";

/** Whether mail of people to the role addresses can be sent on to where it should be. */
export const roleMail: Probe = async ({ config, resolver }) => {
  if (!config.ROLES.includes("relay")) return [];
  const to = config.ROLE_MAIL_TO;
  if (to === undefined) {
    const text = "mail to postmaster and abuse is in the inbox only: atmos inbox list";
    return [warn("role mail", text, "Set ATMOS_ROLE_MAIL_TO to an address that somebody reads.")];
  }
  const domain = to.slice(to.lastIndexOf("@") + 1).toLowerCase();
  if ([config.POOL_DOMAIN, config.POOL_HOSTNAME, `bounce.${config.POOL_DOMAIN}`].includes(domain))
    return [
      fail(
        "role mail",
        `ATMOS_ROLE_MAIL_TO=${to} is at a name of the pool: it would come back here, and is not sent on`,
        "Name an address that another server receives.",
      ),
    ];
  const [mx, a, aaaa] = await Promise.all([
    resolver.resolve(domain, "MX"),
    resolver.resolve(domain, "A"),
    resolver.resolve(domain, "AAAA"),
  ]);
  if (mx.status === "ok" || a.status === "ok" || aaaa.status === "ok")
    return [ok("role mail", `is sent on to ${to}`)];
  if (mx.status === "temperror")
    return [warn("role mail", `${domain} could not be looked up`, "Try again later.")];
  return [
    fail(
      "role mail",
      `${domain} of ATMOS_ROLE_MAIL_TO receives no mail`,
      "Name an address that somebody reads.",
    ),
  ];
};
