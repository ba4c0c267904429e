import type { MakeSnippet } from "./snippet.ts";

export const spamassassin: MakeSnippet = ({ zone }) => ({
  name: "spamassassin",
  title: "SpamAssassin 4",
  asks: "For the signing domain, and for the address.",
  files: [
    {
      path: "/etc/spamassassin/atmos-allowlist.cf",
      text: `ifplugin Mail::SpamAssassin::Plugin::AskDNS
  # The domain of From: is asked for, and counts only with a valid signature of that domain (DKIM_VALID_AU).
  askdns    __ATMOS_DWL_MEMBER  _AUTHORDOMAIN_.dwl.${zone} A /^127\\.0\\.6\\.1$/
  askdns    __ATMOS_DWL_CLEAN   _AUTHORDOMAIN_.dwl.${zone} A /^127\\.0\\.6\\.2$/
  tflags    __ATMOS_DWL_MEMBER  net nice
  tflags    __ATMOS_DWL_CLEAN   net nice

  meta      ATMOS_DWL_MEMBER    DKIM_VALID_AU && __ATMOS_DWL_MEMBER
  describe  ATMOS_DWL_MEMBER    Signed by a verified member of ${zone}
  tflags    ATMOS_DWL_MEMBER    net nice
  score     ATMOS_DWL_MEMBER    -2.0

  meta      ATMOS_DWL_CLEAN     DKIM_VALID_AU && __ATMOS_DWL_CLEAN
  describe  ATMOS_DWL_CLEAN     Signed by a member of ${zone}, clean for long
  tflags    ATMOS_DWL_CLEAN     net nice
  score     ATMOS_DWL_CLEAN     -3.0
endif

ifplugin Mail::SpamAssassin::Plugin::DNSEval
  header    __ATMOS_IP          eval:check_rbl('atmos-lastexternal', 'ip.${zone}.')
  tflags    __ATMOS_IP          net nice
  header    ATMOS_IP_POOL       eval:check_rbl_sub('atmos-lastexternal', '^127\\.0\\.3\\.1$')
  describe  ATMOS_IP_POOL       By an address of the pool of ${zone}
  tflags    ATMOS_IP_POOL       net nice
  score     ATMOS_IP_POOL       -0.2
  header    ATMOS_IP_MEMBER     eval:check_rbl_sub('atmos-lastexternal', '^127\\.0\\.6\\.1$')
  describe  ATMOS_IP_MEMBER     By an address of a member of ${zone}
  tflags    ATMOS_IP_MEMBER     net nice
  score     ATMOS_IP_MEMBER     -0.5
endif
`,
    },
  ],
  reload: "spamassassin --lint && systemctl reload spamd",
  trusts:
    "A valid DKIM signature of the very domain in From:, where that domain is listed. The address that handed the mail over, a little.",
  never:
    "Do not ask for _DKIMDOMAIN_ alone: a listed domain may have signed mail of somebody else, and a list or a forwarder is no member.",
  isTested: true,
});
