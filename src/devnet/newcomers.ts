import { HOSTED_ELSEWHERE, MAIL_DOMAINS, type World } from "./world.ts";

type Newcomer = {
  /** Its account is on the repository host; the handle is in the zone of that host, not in its own. */
  handle: string;
  /** A domain of its own. */
  domain: string;
  /** What stands in the domain's zone already, as lines. */
  records: string;
};

/** The zone of the host's handles. */
const HANDLE_ZONE = "pds.test";

/** Whose account is the committee's, beside its links. */
export const COMMITTEE_HANDLE = `dora.${HANDLE_ZONE}`;

/** People who are no members yet. Two own an empty zone; the mail of the third is hosted elsewhere already. */
export const NEWCOMERS: readonly Newcomer[] = [
  { handle: `ada.${HANDLE_ZONE}`, domain: "willow.test", records: "" },
  { handle: `ben.${HANDLE_ZONE}`, domain: "yarrow.test", records: "" },
  {
    handle: `cleo.${HANDLE_ZONE}`,
    domain: HOSTED_ELSEWHERE,
    records: [
      `@ MX 10 mx.${MAIL_DOMAINS[1]}.`,
      `@ TXT "v=spf1 ip4:127.0.0.12 -all"`,
      `_dmarc TXT "v=DMARC1; p=none; rua=mailto:dmarc@${MAIL_DOMAINS[1]}"`,
    ].join("\n"),
  },
];

/** Gives each an account and a zone, at the first start; a domain that is there stays as its owner left it. */
export async function welcome(world: World): Promise<void> {
  for (const { handle, domain, records } of NEWCOMERS) {
    await accountOf(handle, world);
    world.dnsHost.addZone(domain, records);
  }
}

/** The DID of a handle of the repository host, whose account is made when it is not there yet. */
export async function accountOf(handle: string, { repos, zones }: World): Promise<string> {
  const { did } = await repos.createAccount({ handle });
  zones.addZone(HANDLE_ZONE);
  zones.set(`_atproto.${handle}`, "TXT", { text: `did=${did}` });
  return did;
}
