export { carriedFiles, type Carried } from "./files.ts";
export { MOST_ENTRIES, openArchive, type Opened, type Unpacked } from "./open.ts";
export { zipOf, type Written } from "./write.ts";
