import { CORE } from "./core.ts";
import type { FunctionDefinition, FunctionTable } from "./definition.ts";
import { ENCODING } from "./encoding.ts";
import { LABELS } from "./labels.ts";
import { LISTS } from "./lists.ts";
import { PATTERNS } from "./patterns.ts";
import { STRINGS } from "./strings.ts";
import { TIME } from "./time.ts";

const TABLE: FunctionTable = {
  ...CORE,
  ...LABELS,
  ...STRINGS,
  ...LISTS,
  ...PATTERNS,
  ...TIME,
  ...ENCODING,
};

/** In Osprey's standard library, but not the same twice, not the same everywhere, or in need of a network. */
const NOT_EVALUATED = new Set(
  (
    "DomainChopper DomainTld EmailDomain Experiment ExperimentWhen ExperimentsBucketAssignment ExtractCookie " +
    "GetSnowflakeBucket MXLookup PhoneCountry PhonePrefix RandomBool RandomInt StringClean StringExtractDomains " +
    "StringExtractURLs"
  ).split(" "),
);

export const findFunction = (name: string): FunctionDefinition | undefined =>
  Object.hasOwn(TABLE, name) ? TABLE[name] : undefined;

export const isKnownElsewhere = (name: string): boolean => NOT_EVALUATED.has(name);

export const functionNames = (): string[] => Object.keys(TABLE).sort();
