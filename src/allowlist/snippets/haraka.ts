import type { MakeSnippet } from "./snippet.ts";

export const haraka: MakeSnippet = ({ zone }) => ({
  name: "haraka",
  title: "Haraka 3 with dns-list and karma",
  asks: "For the address that hands a mail over.",
  files: [
    {
      path: "config/plugins, in this order, before plugins that judge a connection",
      text: "redis\nkarma\ndns-list\n",
    },
    {
      path: "config/dns-list.ini",
      text: `[main]
periodic_checks=30
; Beside the zones that you ask already: this file's zones take the place of the plugin's own.
zones[]=ip.${zone}

[ip.${zone}]
; Of "allow" any answer would do, and the plugins after dns-list would not see the connection.
type=karma
reject=false
ipv6=true
127.0.3.1=atmos address of the pool
127.0.6.1=atmos address of a member
`,
    },
    {
      path: "config/karma.ini",
      text: `[result_awards]
atmos_ip_pool = dns-list | msg | equals | atmos address of the pool | 1 | By an address of the pool of ${zone}
atmos_ip_member = dns-list | msg | equals | atmos address of a member | 2 | By an address of a member of ${zone}
`,
    },
  ],
  reload: "systemctl restart haraka",
  trusts:
    "The address alone, a little: points that weigh against what other plugins found, and no verdict. The words after a code are what karma counts, so that only that code does.",
  never:
    'Do not set type=allow, nor name the zone in dnswl.zones: every answer in 127.0.0.0/8 would do, a blocklist asked beside it may be overruled, and the plugins behind it are left out. Do not set periodic_checks below 5: one answer too late would end the questions until a restart. Do not load karma for this alone: it takes over what other plugins refuse. Haraka\'s own dkim plugin verifies a signature, but asks no list for its domain: for the signing domain use rspamd, with the plugin "rspamd".',
  isTested: true,
});
