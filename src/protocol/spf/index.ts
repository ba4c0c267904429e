export { evaluateSpf, type SpfEvaluation, type SpfResult } from "./evaluate.ts";
export { lookupSpf } from "./lookup.ts";
export { mergeSpf } from "./merge.ts";
export { isSpf, parseSpf } from "./parse.ts";
export { MAX_SPF_LOOKUPS, MAX_SPF_VOIDS, surveySpf, type SpfCost, type SpfSurvey } from "./survey.ts";
