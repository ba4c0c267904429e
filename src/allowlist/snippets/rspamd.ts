import type { MakeSnippet } from "./snippet.ts";

export const rspamd: MakeSnippet = ({ zone }) => ({
  name: "rspamd",
  title: "rspamd 3",
  asks: "For the signing domain, and for the address.",
  files: [
    {
      path: "/etc/rspamd/local.d/rbl.conf",
      text: `rbls {
  atmos_dwl {
    rbl = "dwl.${zone}";
    # The domain whose DKIM signature was verified here, whole, and only where it is that of From:
    checks = ["dkim"];
    dkim_domainonly = false;
    dkim_match_from = true;
    url_full_hostname = true;
    ignore_defaults = true;
    ignore_whitelist = true;
    # Whatever else this name may answer one day says nothing.
    unknown = false;
    returncodes {
      ATMOS_DWL_MEMBER = "127%.0%.6%.1";
      ATMOS_DWL_CLEAN = "127%.0%.6%.2";
    }
  }
  atmos_ip {
    rbl = "ip.${zone}";
    checks = ["from"];
    ipv4 = true;
    ipv6 = true;
    ignore_defaults = true;
    ignore_whitelist = true;
    unknown = false;
    returncodes {
      ATMOS_IP_POOL = "127%.0%.3%.1";
      ATMOS_IP_MEMBER = "127%.0%.6%.1";
    }
  }
}
`,
    },
    {
      path: "/etc/rspamd/local.d/rbl_group.conf",
      text: `symbols = {
  "ATMOS_DWL_MEMBER" { weight = -2.0; description = "Signed by a verified member of ${zone}"; }
  "ATMOS_DWL_CLEAN" { weight = -3.0; description = "Signed by a member of ${zone}, clean for long"; }
  "ATMOS_IP_POOL" { weight = -0.2; description = "By an address of the pool of ${zone}"; }
  "ATMOS_IP_MEMBER" { weight = -0.5; description = "By an address of a member of ${zone}"; }
}
`,
    },
  ],
  reload: "rspamadm configtest && systemctl reload rspamd",
  trusts:
    "A valid DKIM signature of the very domain in From:, where that domain is listed. The address a little.",
  never:
    "Do not set is_whitelist: neither a listed domain nor a pool's address is beyond doubt, and other checks still have their say.",
  isTested: true,
});
