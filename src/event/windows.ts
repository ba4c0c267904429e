/** What core counts before rules see an event, in event time: `$.window` of the rules. Shares and rates are 0 to 1. */
export type EventWindows = {
  bounce?: BounceWindow;
  /** 30 days, and 90. */
  complaint?: PeopleWindow;
  complaint_90?: PeopleWindow;
  /** 24 hours, mail of the event's credential alone. */
  complaint_burst?: ComplaintWindow & { credential: string };
  velocity?: VelocityWindow;
  /** Of the event's credential. */
  credential_velocity?: VelocityWindow;
  breaker?: BreakerWindow;
  authentication?: AuthenticationWindow;
  incident?: IncidentWindow;
  standing?: StandingWindow;
  provider?: ProviderWindow;
};

/** The last 200 eligible recipients of 90 days: delivered or hard-bounced, one per recipient and day. */
export type BounceWindow = {
  eligible: number;
  hard: number;
  /** Different recipients among `hard`. */
  distinct: number;
  rate: number;
  /** Probability that the true rate is above 5 % and 10 %. */
  p_over_5: number;
  p_over_10: number;
  /** Of `hard`: first contacts with a template that was known, which strangers can bring about in a sign-up form. */
  first_contacts: number;
  /** Different recipient domains among `hard`. */
  domains: number;
  /** More than half of `hard` are such first contacts. */
  by_strangers: boolean;
};

export type ComplaintWindow = {
  /** Deliveries to providers that run a feedback loop. */
  eligible: number;
  complaints: number;
  complainants: number;
  rate: number;
  /** Probability that the true rate is above 0.1 % and 0.5 %. */
  p_over_01: number;
  p_over_05: number;
};

/** Complaints of a member's people. */
export type PeopleWindow = ComplaintWindow & {
  /** Of `complainants`: first written to within the last seven days, with a template that was known, as whoever signs up is. */
  newcomers: number;
  /** More than half of `complainants` are such. */
  by_strangers: boolean;
};

/** Recipients of accepted mail, by when it was handed in. */
export type VelocityWindow = {
  minute: number;
  hour: number;
  day: number;
  /** Different ones of the last hour. */
  recipients_hour: number;
  domains_hour: number;
  /** Share of the last hour's recipients that the member had had no mail delivered to. */
  first_time_share: number;
  /** Hard bounces among the last 20 outcomes at first contacts. */
  first_time_hard: number;
  /** The last 24 hours over the mean day of the 30 days before; 0 with less than 7 days of history. */
  habit_ratio: number;
};

/**
 * Of an open pause of the event's credential. Suspect mail is what is held of the credential, and what it had sent with
 * the same templates in the 7 days before the pause began. Outcomes that a provider incident explains are left out.
 */
export type BreakerWindow = {
  /** `content`, `first-contact`, `person`, ... */
  cause: string;
  /** Templates of the suspect mail. */
  templates: number;
  /**
   * Different recipients that got the least delivered of these templates a day before the pause began, or earlier. What the
   * pause itself lets through never adds.
   */
  template_deliveries: number;
  /** Different recipients of the suspect mail. */
  recipients: number;
  /** Share of these to whom the member had delivered a day before the pause began, or earlier. */
  known_share: number;
  /** Hard bounces among the last 20 outcomes at first contacts with these templates. */
  first_time_hard: number;
  /** Different ones, about suspect mail. */
  complainants: number;
  /** The pause is open, and a breaker began it. */
  confirmable: boolean;
};

/** Checks of the event's domain that had an answer from the DNS: no answer neither adds to a row nor ends it. */
export type AuthenticationWindow = {
  /** In a row; 0 after one that passed. */
  failed: number;
  /** From the first of the row to the last. */
  since_hours: number;
  /** What is wrong, and what mends it. Empty: nothing is. */
  record: string;
  fix: string;
  /** How many failed in the row that the last pass ended, and how long ago that was; 0: none. */
  last_failed: number;
  passed_hours: number;
};

/** What several members' bounces at one provider say of the provider. */
export type IncidentWindow = { active: boolean; provider: string; members: number };

/** `eligible`: of recipients since the member is in good standing. */
export type StandingWindow = { good_days: number; eligible: number };

/** A provider's own figures of the last 7 days: the mean spam rate, days with figures, and those above 0.3 %. */
export type ProviderWindow = { spam_rate: number; days: number; days_over: number };
