export * from "./lookup.ts";
export { isSpf, parseSpf, type SpfMechanism, type SpfParse, type SpfTerm } from "./parse.ts";
