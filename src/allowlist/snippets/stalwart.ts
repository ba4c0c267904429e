import type { MakeSnippet } from "./snippet.ts";

export const stalwart: MakeSnippet = ({ zone }) => ({
  name: "stalwart",
  title: "Stalwart 0.16",
  asks: "For the signing domain, and for the address.",
  files: [
    {
      path: "atmos-allowlist.ndjson, for stalwart-cli",
      text: `{"@type":"upsert","object":"SpamDnsblServer","matchOn":["name"],"value":{"dwl":{"@type":"Domain","name":"ATMOS_DWL","description":"Signing domains of ${zone}","zone":{"match":{"0":{"if":"location == 'dkim_pass' && value == from.domain","then":"value + '.dwl.${zone}'"}},"else":"false"},"tag":{"match":{"0":{"if":"ip == '127.0.6.1'","then":"'ATMOS_DWL_MEMBER'"},"1":{"if":"ip == '127.0.6.2'","then":"'ATMOS_DWL_CLEAN'"}},"else":"false"}}}}
{"@type":"upsert","object":"SpamDnsblServer","matchOn":["name"],"value":{"ip":{"@type":"Ip","name":"ATMOS_IP","description":"Addresses of ${zone}","zone":{"match":{"0":{"if":"location == 'tcp'","then":"ip_reverse + '.ip.${zone}'"}},"else":"false"},"tag":{"match":{"0":{"if":"ip == '127.0.3.1'","then":"'ATMOS_IP_POOL'"},"1":{"if":"ip == '127.0.6.1'","then":"'ATMOS_IP_MEMBER'"}},"else":"false"}}}}
{"@type":"upsert","object":"SpamTag","matchOn":["tag"],"value":{"member":{"@type":"Score","tag":"ATMOS_DWL_MEMBER","score":-2},"clean":{"@type":"Score","tag":"ATMOS_DWL_CLEAN","score":-3},"pool":{"@type":"Score","tag":"ATMOS_IP_POOL","score":-0.2},"own":{"@type":"Score","tag":"ATMOS_IP_MEMBER","score":-0.5}}}
`,
    },
  ],
  reload: "stalwart-cli apply --file atmos-allowlist.ndjson && stalwart-cli create Action/ReloadSettings",
  trusts:
    "A valid DKIM signature of the very domain in From:, where that domain is listed. The address that handed the mail over, a little.",
  never:
    "Do not leave out the conditions on location: Stalwart also asks for domains and addresses that a mail merely names, in its text or in Received. Do not expect a new member to count at once: who was not listed when Stalwart asked is not asked for again for a day. Domains with letters beyond ASCII never count, nor does what is on Stalwart's own list of trusted domains, since it asks nothing for those.",
  isTested: false,
});
