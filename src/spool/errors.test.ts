import { expect, test } from "vitest";
import { kindOf, SpoolError, spoolError, type SpoolErrorKind } from "./errors.ts";

const sqlite = (errcode: number) => Object.assign(new Error("x"), { code: "ERR_SQLITE_ERROR", errcode });
const system = (code: string) => Object.assign(new Error("x"), { code });
const quota = Object.assign(new Error("x"), { code: "Unknown system error -122", errno: -122 });
const [IOERR_WRITE, IOERR_FSYNC, IOERR_SHMSIZE, CORRUPT_INDEX, CONSTRAINT_UNIQUE] = [
  778, 1034, 4874, 779, 2067,
];

test.each<[string, unknown, number | undefined, SpoolErrorKind]>([
  ["SQLITE_FULL", sqlite(13), 0, "full"],
  ["SQLITE_FULL by a limit of its own", sqlite(13), 1e9, "full"],
  ["a write that failed on a disk with room", sqlite(IOERR_WRITE), 1e9, "io"],
  ["a sync that failed on a disk with room", sqlite(IOERR_FSYNC), 1e9, "io"],
  ["a sync that failed on a full disk", sqlite(IOERR_FSYNC), 4_096, "full"],
  ["no room for the index of the WAL", sqlite(IOERR_SHMSIZE), 0, "full"],
  ["an I/O error, and the disk does not say", sqlite(IOERR_WRITE), undefined, "io"],
  ["SQLITE_CORRUPT", sqlite(11), 1e9, "corrupt"],
  ["a corrupt index", sqlite(CORRUPT_INDEX), 1e9, "corrupt"],
  ["no database", sqlite(26), 1e9, "corrupt"],
  ["read-only", sqlite(8), 1e9, "io"],
  ["cannot be opened", sqlite(14), 1e9, "io"],
  ["an id twice", sqlite(CONSTRAINT_UNIQUE), 1e9, "fault"],
  ["ENOSPC", system("ENOSPC"), 0, "full"],
  ["EDQUOT, which Node has no name for", quota, 1e9, "full"],
  ["EIO", system("EIO"), 1e9, "io"],
  ["EROFS", system("EROFS"), 1e9, "io"],
  ["a bug", new TypeError("x"), 1e9, "fault"],
  ["one of ours", new SpoolError("x", "corrupt"), 1e9, "corrupt"],
])("%s", (_name, error, free, kind) => expect(kindOf(error, () => free)).toBe(kind));

test("an error keeps its words, and says what was tried", () => {
  const error = spoolError("spool body", system("ENOSPC"), "/");
  expect([error.message, error.full]).toEqual(["spool body: x", true]);
  expect(spoolError("again", error, "/")).toBe(error);
});
