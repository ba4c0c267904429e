import type { MakeSnippet } from "./snippet.ts";

export const maddy: MakeSnippet = ({ zone }) => ({
  name: "maddy",
  title: "maddy 0.8",
  asks: "For the address that hands a mail over.",
  files: [
    {
      path: "maddy.conf, in the dnsbl block of the smtp endpoint's own check, beside your blocklists",
      text: `# The scores of one dnsbl block are added up: this makes up for one blocklist of score 1, and for no more.
ip.${zone} {
    # Without this, only answers in 127.0.0.0/24 count.
    responses 127.0.3.1 127.0.6.1
    score -1
}
`,
    },
  ],
  reload: "systemctl restart maddy",
  trusts:
    "The address alone: enough to make up for one blocklist. It permits nothing, since a check of maddy can only refuse or quarantine.",
  never:
    "Do not put it into a dnsbl block of its own, where there is nothing to make up for, nor into a source or destination block, where maddy asks no list at all. While no server answers for any one list of the block, maddy puts off all mail (451): let your own resolver hold a copy of the zone, or ask by rspamd (check.rspamd). That is also the way to the signing domain: check.dkim verifies signatures and asks no list.",
  isTested: true,
});
