/** Most mail is for few domains. */
export const LARGE_DOMAINS = ["large0.test", "large1.test", "large2.test", "large3.test", "large4.test"];

/** A member whose mail, this share of all, was submitted first: it stands in front of the queue. */
export const CROWD = { did: "did:plc:crowd", share: 0.1 };
