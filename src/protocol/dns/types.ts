/** One resource record, only with the fields that this project reads. Names are lower case without a final dot. */
export type DnsRecordData = {
  A: { address: string };
  AAAA: { address: string };
  CNAME: { target: string };
  MX: { preference: number; exchange: string };
  NS: { target: string };
  PTR: { target: string };
  SOA: {
    mname: string;
    rname: string;
    serial: number;
    minimum: number;
    /** Timers of secondaries, in seconds; those of the server when left out. */
    refresh?: number;
    retry?: number;
    expire?: number;
  };
  /** The character-strings of the record, joined (RFC 7208 section 3.3). */
  TXT: { text: string };
  TLSA: { usage: number; selector: number; matchingType: number; certificate: Uint8Array };
};

export type DnsType = keyof DnsRecordData;

/**
 * Why nothing was said. `bogus`: the data are there, and a validating resolver withholds them because their
 * signatures do not hold (RFC 4035 section 5.5).
 */
export type DnsFault = "timeout" | "servfail" | "bogus" | "refused" | "network";

/**
 * What the DNS said. `temperror` means nothing was said (time-out, SERVFAIL, no route): never read it as absence.
 * `authentic` is the AD bit of a validating resolver.
 */
export type DnsAnswer<T extends DnsType> =
  | {
      status: "ok";
      records: (DnsRecordData[T] & { ttl: number })[];
      authentic: boolean;
      /** Where the records stand when a CNAME led away from the name that was asked for. */
      canonical?: string;
    }
  | { status: "nodata" | "nxdomain"; authentic: boolean }
  | { status: "temperror"; detail: string; kind?: DnsFault };

export interface Resolver {
  /** CNAMEs are followed by the server; the answer holds only records of the type asked for. Never rejects. */
  resolve<T extends DnsType>(name: string, type: T): Promise<DnsAnswer<T>>;
}
