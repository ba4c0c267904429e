import { inspect, type Inspection, type InspectedComplaint } from "../protocol/inspect/index.ts";
import { interpret, type Judge, type Meaning } from "./interpret.ts";

/** A mail that came back: what it is, and what it means for the recipient that it is about. */
export type Reading = {
  kind: Inspection["kind"];
  meaning: Meaning;
  complaint?: InspectedComplaint;
  report?: NonNullable<Inspection["report"]>;
};

/** `from`: the host that handed it in. Never rejects. */
export async function readReturned(raw: Uint8Array, from: string, judge: Judge): Promise<Reading> {
  const found = await inspect(raw);
  const { kind, complaint, report } = found;
  const meaning = interpret(found, from, judge);
  return { kind, meaning, ...(complaint && { complaint }), ...(report && { report }) };
}
