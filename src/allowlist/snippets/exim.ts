import type { MakeSnippet } from "./snippet.ts";

export const exim: MakeSnippet = ({ zone }) => ({
  name: "exim",
  title: "Exim 4",
  asks: "For the signing domain.",
  files: [
    { path: "exim.conf, main section", text: "acl_smtp_dkim = acl_check_dkim\n" },
    {
      path: "exim.conf, ACL section",
      text: `# It runs once for each signature, before the ACL of DATA.
acl_check_dkim:
  warn
    dkim_status = pass
    condition   = \${if eqi{$dkim_cur_signer}{\${domain:\${address:$h_from:}}}}
    dnslists    = dwl.${zone}=127.0.6.1,127.0.6.2/$dkim_cur_signer
    set acl_m_atmos = $dkim_cur_signer $dnslist_value
  accept
`,
    },
    {
      path: "exim.conf, in the ACL of DATA, before content is judged",
      text: `  warn
    condition   = \${if def:acl_m_atmos}
    add_header  = X-Atmos-Member: $acl_m_atmos
`,
    },
  ],
  reload: "exim -bV && systemctl reload exim4",
  trusts: "A valid DKIM signature of the very domain in From:, where that domain is listed.",
  never:
    "Do not accept by it what recipients or content would have refused: let it lower a score, or skip a greylist. Do not ask for the sender of the envelope: anybody writes that.",
  isTested: true,
});
