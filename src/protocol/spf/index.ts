export * from "./lookup.ts";
export { isSpf, parseSpf } from "./parse.ts";
