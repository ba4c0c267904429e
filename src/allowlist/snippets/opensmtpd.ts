import type { MakeSnippet } from "./snippet.ts";

export const opensmtpd: MakeSnippet = ({ zone }) => ({
  name: "opensmtpd",
  title: "OpenSMTPD 7 with filter-rspamd",
  asks: "For nothing itself: rspamd asks, for the signing domain and for the address.",
  files: [
    {
      path: "smtpd.conf, before listeners",
      text: `# rspamd asks dwl.${zone} and ip.${zone}. Its settings: atmos allowlist snippet rspamd --zone ${zone}
filter "rspamd" proc-exec "filter-rspamd"
`,
    },
    {
      path: "smtpd.conf, the listener to which the world hands mail",
      text: 'listen on all filter "rspamd"\n',
    },
  ],
  reload: "smtpd -n && systemctl restart opensmtpd",
  trusts:
    "What rspamd makes of a mail: a valid DKIM signature of the very domain in From:, where that domain is listed, and the address a little.",
  never:
    "Do not write a match rule by it: who may send through you is for match, and rspamd only refuses, defers or marks. Do not let another server stand before this one: rspamd would judge that one's address, and verifies no signature of mail that a local one hands over. While rspamd does not answer the filter defers all mail.",
  isTested: true,
});
