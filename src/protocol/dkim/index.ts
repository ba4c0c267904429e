export { relaxedBodyHash } from "./body.ts";
export { parseHeader, valueOf, type HeaderField } from "./header.ts";
export { signMessage, type DkimKey } from "./sign.ts";
