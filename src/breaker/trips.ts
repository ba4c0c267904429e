/** First-time recipients that one credential may reach with unseen templates before a person or a rule says yes. */
export const PROBE_BUDGET = 50;
/** Deliveries that make a template known. */
export const KNOWN_AFTER = 20;
/** So many hard bounces among the last so many first-time recipients of a credential stop it. */
export const FIRST_CONTACT = { bounces: 5, among: 20 };

/**
 * First-time recipients of a credential in an hour, and at once, while so many of those that its known templates went to
 * do not exist: anybody can type such addresses into a sign-up form.
 */
export const SLOWED_HOURLY = 20;

/** What the breaker knows of a message when its content is known. */
export type ContentFacts = {
  /** How many of its recipients the member has not had mail delivered to. */
  firstTime: number;
  /** Its template was seen in 20 or more earlier deliveries, or a person said yes to it. */
  known: boolean;
  /** First-time recipients that the credential has reached with unseen templates since the last yes. */
  probe: number;
  /** Share of first-time recipients in the member's last 30 days; absent below 50 recipients. */
  share?: number;
  /** Too many of the credential's last first-time recipients of known templates do not exist. */
  slowed?: boolean;
};

/** What an acceptance adds to the credential's probe count. */
export function probesOf({ firstTime, known }: Pick<ContentFacts, "firstTime" | "known">): number {
  return known ? 0 : firstTime;
}

/** Would this message pass the budget of first-time recipients with an unseen template? */
export function overBudget(facts: ContentFacts): boolean {
  const probes = probesOf(facts);
  return probes > 0 && facts.probe + probes > PROBE_BUDGET;
}

/** Do the outcomes at first-time recipients (true: hard bounce), the latest last, stop the credential, or slow it? */
export function firstContactTrips(hard: readonly boolean[]): boolean {
  return hard.slice(-FIRST_CONTACT.among).filter(Boolean).length >= FIRST_CONTACT.bounces;
}
