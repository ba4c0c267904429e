export { CertificateError, openCertificateFiles, type Certificates } from "./files.ts";
export { DAY_MS, covers, namesOf, readPair, unfit, type Pair } from "./pair.ts";
