import type { Config, Secrets } from "../../platform/config/index.ts";
import type { Resolver } from "../../protocol/dns/index.ts";

/** One thing that was looked at. `remedy` says what to do when it is not ok. */
export type Finding = {
  probe: string;
  status: "ok" | "warn" | "fail";
  text: string;
  remedy?: string;
};

export type ProbeInput = {
  config: Config;
  secrets: Secrets;
  resolver: Resolver;
  now: () => number;
};

export type Probe = (input: ProbeInput) => Promise<Finding[]>;

export const ok = (probe: string, text: string): Finding => ({ probe, status: "ok", text });
export const warn = (probe: string, text: string, remedy: string): Finding => ({
  probe,
  status: "warn",
  text,
  remedy,
});
export const fail = (probe: string, text: string, remedy: string): Finding => ({
  probe,
  status: "fail",
  text,
  remedy,
});

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
