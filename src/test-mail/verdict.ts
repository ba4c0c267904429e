/** What was seen of a test mail where it arrived. Domains are lower case; results are words of RFC 8601. */
export type TestFacts = {
  /** Domain of its `From:`, empty where there is none. */
  from: string;
  /** The host that handed it in. */
  ip: string;
  helo: string;
  /** Protocol of the connection, such as `TLSv1.3`; null: it came in clear. */
  tls: string | null;
  spf: { result: string; domain: string };
  dkim: readonly { domain: string; selector: string; result: string }[];
  dmarc: { result: string; domain: string; policy: string };
  /** It came through the pool as this message; null: another server sent it. */
  message: string | null;
  /** When the pool took it in, ms since the epoch; null with `message`. */
  handedInAt: number | null;
};

export const TEST_VERDICTS = ["route", "spf", "dkim", "dmarc", "tls", "time"] as const;
export type TestVerdict = {
  name: (typeof TEST_VERDICTS)[number];
  outcome: "pass" | "warn" | "fail";
  /** A sentence about what was seen. */
  text: string;
  /** What to do; absent with `pass`. */
  remedy?: string;
};

/** A login code that takes longer is not pleasant any more. */
const SLOW_MS = 60_000;

const UNSURE = new Set(["temperror", "none"]);
const RECORDS = "Compare the records of the domain with what the domains page shows.";
const AGAIN = "The DNS gave no answer at that moment: send another test.";

/** What a test mail shows of the domain that sent it, one sentence for each thing that receivers look at. Pure. */
export function judgeTest(facts: TestFacts, arrivedAt: number): TestVerdict[] {
  return [route(facts), spf(facts), dkim(facts), dmarc(facts), tls(facts), time(facts, arrivedAt)];
}

/** Nothing is wrong, whatever could be better. */
export const isPassed = (verdicts: readonly TestVerdict[]): boolean =>
  verdicts.every(({ outcome }) => outcome !== "fail");

function route({ message, helo, ip }: TestFacts): TestVerdict {
  if (message !== null) return pass("route", "It came through the pool.");
  return fail(
    "route",
    `It came from ${helo} [${ip}], and not through the pool.`,
    "Your program does not use the credential: give it the lines that are shown with a new one (on a PDS PDS_EMAIL_SMTP_URL), and start it again.",
  );
}

function spf({ spf: { result, domain }, from }: TestFacts): TestVerdict {
  if (result === "pass") {
    if (related(domain, from)) return pass("spf", `SPF passes for ${domain}.`);
    return {
      name: "spf",
      outcome: "warn",
      text: `SPF passes for ${domain}, which is not a name of ${from || "the sender"}.`,
      remedy: "Publish the return path (the CNAME of the domains page), so that it counts for your own name.",
    };
  }
  if (result === "temperror") return warn("spf", "SPF could not be looked up.", AGAIN);
  const of = domain === "" ? "" : ` for ${domain}`;
  return fail(
    "spf",
    result === "none" ? `There is no SPF record${of}.` : `SPF says ${result}${of}.`,
    RECORDS,
  );
}

function dkim({ dkim: all, from }: TestFacts): TestVerdict {
  const own = all.filter(({ domain }) => related(domain, from));
  const passed = own.find(({ result }) => result === "pass");
  if (passed) return pass("dkim", `The signature of ${passed.domain} is valid (key ${passed.selector}).`);
  const other = all.find(({ result }) => result === "pass");
  if (own.length > 0) {
    const [{ selector, domain, result } = own[0]!] = own;
    if (own.every((one) => UNSURE.has(one.result) && one.result !== "none"))
      return warn("dkim", `The key ${selector} of ${domain} could not be looked up.`, AGAIN);
    return fail(
      "dkim",
      `The signature of ${domain} is not valid (key ${selector}: ${result}).`,
      `The record ${selector}._domainkey.${domain} is missing or another key. ${RECORDS}`,
    );
  }
  const text = other
    ? `Only ${other.domain} signed it, not ${from || "the sender's domain"}.`
    : "It has no valid signature.";
  return fail(
    "dkim",
    text,
    "Send from an address at a domain that you have here: then the pool signs for it.",
  );
}

function dmarc({ dmarc: { result, domain, policy }, from }: TestFacts): TestVerdict {
  const of = domain || from;
  if (result === "pass")
    return pass("dmarc", `DMARC passes for ${of}${policy ? ` (policy ${policy})` : ""}.`);
  if (result === "temperror") return warn("dmarc", "DMARC could not be looked up.", AGAIN);
  if (result === "none")
    return warn("dmarc", `${of || "The sender"} publishes no DMARC record.`, `Publish one. ${RECORDS}`);
  return fail(
    "dmarc",
    `DMARC says ${result} for ${of}${policy ? `, whose policy is ${policy}` : ""}: receivers may refuse such mail.`,
    "It passes when the signature of your domain or SPF of your own name does: mend those first.",
  );
}

function tls({ tls: protocol }: TestFacts): TestVerdict {
  return protocol === null
    ? warn("tls", "It came in clear.", "Your program sent it by another server, which does not encrypt.")
    : pass("tls", `It came encrypted (${protocol}).`);
}

function time({ handedInAt }: TestFacts, arrivedAt: number): TestVerdict {
  if (handedInAt === null) return warn("time", "How long it took is not known.", "See the first line.");
  const took = Math.max(0, arrivedAt - handedInAt);
  const words = `It took ${took < 1_500 ? "a second" : `${Math.round(took / 1_000)} seconds`} from hand-in to arrival.`;
  return took <= SLOW_MS
    ? pass("time", words)
    : warn("time", words, "Its message page says what kept it. One slow test says little: send another.");
}

/** One is the other, or a name below it. */
function related(a: string, b: string): boolean {
  return a !== "" && b !== "" && (a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`));
}

const pass = (name: TestVerdict["name"], text: string): TestVerdict => ({ name, outcome: "pass", text });
const warn = (name: TestVerdict["name"], text: string, remedy: string): TestVerdict => ({
  name,
  outcome: "warn",
  text,
  remedy,
});
const fail = (name: TestVerdict["name"], text: string, remedy: string): TestVerdict => ({
  name,
  outcome: "fail",
  text,
  remedy,
});
