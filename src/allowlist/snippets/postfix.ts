import type { MakeSnippet } from "./snippet.ts";

export const postfix: MakeSnippet = ({ zone }) => ({
  name: "postfix",
  title: "Postfix 3.6 or newer, with or without postscreen",
  asks: "For the address that hands a mail over.",
  files: [
    {
      path: "/etc/postfix/main.cf",
      text: `# postscreen: an address of the list weighs against what blocklists say, and alone skips the tests after the greeting.
postscreen_dnsbl_sites = ip.${zone}=127.0.[3;6].1*-2
postscreen_dnsbl_allowlist_threshold = -1

# smtpd: an address of the list is not greylisted. It comes after what nobody may pass.
smtpd_recipient_restrictions =
    reject_unauth_destination,
    reject_unlisted_recipient,
    permit_dnswl_client ip.${zone}=127.0.[3;6].1
`,
    },
  ],
  reload: "postfix check && postfix reload",
  trusts: "The address alone, since Postfix sees no DKIM: enough to skip a greylist or postscreen's tests.",
  never:
    "Do not use permit_rhswl_client: the sender's domain is whatever the sender writes. Put blocklists and greylists that these addresses may skip after permit_dnswl_client, and nothing that others rely on. For the signing domain use a filter: rspamd, SpamAssassin.",
  isTested: true,
});
