export { evaluateSpf, type SpfEvaluation, type SpfResult } from "./evaluate.ts";
export * from "./lookup.ts";
export { isSpf, parseSpf } from "./parse.ts";
