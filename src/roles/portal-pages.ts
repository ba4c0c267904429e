import type { MemberDesk, DeskRefusal } from "./member-desk.ts";
import { listedDomains } from "./member-domains.ts";
import type { MemberView, PortalFrame, PortalPages, PortalResult, Refused } from "../web/index.ts";
import type { TokenDesk } from "./token-desk.ts";
import type { Core } from "./core/index.ts";

type PortalParts = {
  core: Core;
  desk: MemberDesk;
  tokens: TokenDesk;
  /** The real time, which tokens follow. */
  now: () => number;
  /** The domains of a member with what was found. */
  domains: (did: string) => MemberView["domains"];
};

/** What the pages of a member show and do, from its desk. */
export function createPortalPages({ core, desk, tokens, now, domains }: PortalParts): PortalPages {
  const { members } = core;

  function frameOf(did: string): PortalFrame | null {
    const member = members.get(did);
    if (member === undefined) return null;
    const domain = members.domainsOf(did)[0]?.name ?? member.name;
    return { did, domain, membership: member.membership };
  }

  return {
    async domains(did, { claim: claimed, look }) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const claim =
        claimed === undefined || claimed.trim() === "" ? null : await desk.domains.claim(did, claimed);
      if (claim !== null && "error" in claim) return refusedFor(claim);
      const diagnoses = look === undefined ? null : await desk.domains.look(did, look);
      if (diagnoses !== null && "error" in diagnoses) return refusedFor(diagnoses);
      const listed = listedDomains(desk.domains.list(did), domains(did)).map((one) => ({
        ...one,
        diagnoses: look?.toLowerCase() === one.name ? diagnoses : null,
      }));
      return { ...frame, domains: listed, claim };
    },

    addDomain: async (did, domain) => done(await desk.domains.add(did, domain)),

    async turnKeys(did, domain, how) {
      if (how === "rotate") return done(await desk.domains.rotate(did, domain));
      if (how === "cancel") return done(await desk.domains.cancelRotation(did, domain));
      const rotation = await desk.domains.hurryRotation(did, domain);
      if ("error" in rotation || rotation.publish.length === 0) return done(rotation);
      return {
        refused:
          "The present keys sign on: our resolver does not find both new records yet, each with the right key and alone at its name. Publish them, and press it again; or wait, it goes on by itself.",
      };
    },

    async removal(did, domain) {
      const frame = frameOf(did);
      const removal = frame && (await desk.domains.removal(did, domain));
      if (frame === null || removal === null || "error" in removal) return null;
      const { domain: name, ...ends } = removal;
      return { ...frame, ...ends, name };
    },

    removeDomain: async (did, domain, by) => done(await desk.domains.remove(did, domain, by)),

    async credentials(did) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const names = members.domainsOf(did).map(({ name }) => name);
      return { ...frame, credentials: desk.credentials.list(did), domains: names };
    },

    async makeCredential(did, wish) {
      const made = await desk.credentials.make(did, wish);
      if ("error" in made) return refusedFor(made);
      const { name, username, secret, lines } = made;
      return { credential: { name, username, secret, lines } };
    },

    revokeCredential: async (did, id, by) => done(await desk.credentials.revoke(did, id, by)),

    async webhooks(did) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const webhook = desk.webhook.of(did);
      return "error" in webhook ? refusedFor(webhook) : { ...frame, ...webhook };
    },

    async setWebhook(did, url, by) {
      const set = desk.webhook.set(did, url, by);
      return "error" in set ? refusedFor(set) : set;
    },

    removeWebhook: async (did, by) => done(desk.webhook.remove(did, by)),

    async testWebhook(did) {
      const answer = await desk.webhook.test(did);
      return "error" in answer ? refusedFor(answer) : answer;
    },

    async tokens(did) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const listed = tokens.list(did);
      return "error" in listed ? refusedFor(listed) : { ...frame, asOf: now(), tokens: listed };
    },

    async makeToken(did, wish, by) {
      const made = tokens.make(did, wish, by);
      return "error" in made ? refusedFor(made) : made;
    },

    revokeToken: async (did, id, by) => done(tokens.revoke(did, id, by)),

    async changeEvents(did, change) {
      const frame = frameOf(did);
      const events = frame && (await desk.standing.events(did, change));
      return frame && events && { ...frame, ...events };
    },

    async tests(did) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const found = await desk.tests.of(did);
      if ("error" in found) return refusedFor(found);
      const names = members.domainsOf(did).map(({ name }) => name);
      return { ...frame, ...found, domains: names };
    },

    makeTest: async (did, domain, by) =>
      done(domain === null ? desk.tests.make(did, by) : await desk.tests.send(did, domain, by)),

    async settings(did) {
      const frame = frameOf(did);
      if (frame === null) return null;
      const settings = desk.settings.of(did);
      if ("error" in settings) return refusedFor(settings);
      return { ...frame, ...settings, people: core.people.of(did) };
    },

    chooseBounces: async (did, choice) => done(await desk.settings.setBounces(did, choice)),
    chooseReplies: async (did, to) => done(await desk.settings.setReplies(did, to)),
    putPerson: async (did, account, role, by) => done(await desk.settings.people.put(did, account, role, by)),
    removePerson: async (did, person) => done(await desk.settings.people.remove(did, person)),
    appeal: async (did, change, words, by) => done(await desk.standing.appeal(did, change, words, by)),
    remedy: async (did, words) => done(await desk.standing.remedy(did, words)),
  };
}

const refusedFor = ({ message }: DeskRefusal): Refused => ({ refused: message });
const done = (result: object): PortalResult =>
  "error" in result && "message" in result ? { refused: String(result.message) } : { done: true };
