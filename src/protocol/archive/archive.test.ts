import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { MOST_ENTRIES, openArchive } from "./index.ts";
import { zipOf } from "./zip.fixture.ts";

const MOST = 1024 * 1024;
const text = Buffer.from("<feedback>".repeat(100));
const zeros = Buffer.alloc(MOST + 1);
const file = { name: "a.xml", content: text };

async function open(bytes: Uint8Array, most = MOST) {
  const opened = await openArchive(bytes, most);
  if (opened.status !== "opened") return opened.status;
  return [
    opened.format,
    ...opened.files.map(({ name, content }) => [name, Buffer.from(content).equals(text)]),
  ];
}

describe("what is opened", () => {
  const cases: [string, Uint8Array, unknown][] = [
    ["plain", text, ["plain", ["", true]]],
    ["gzip", gzipSync(text), ["gzip", ["", true]]],
    [
      "gzip of two members",
      Buffer.concat([gzipSync(text.subarray(0, 400)), gzipSync(text.subarray(400))]),
      ["gzip", ["", true]],
    ],
    [
      "gzip with a line break behind",
      Buffer.concat([gzipSync(text), Buffer.from("\r\n")]),
      ["gzip", ["", true]],
    ],
    ["gzip with zeros behind", Buffer.concat([gzipSync(text), Buffer.alloc(9)]), ["gzip", ["", true]]],
    ["zlib", deflateSync(text), ["zlib", ["", true]]],
    ["zip", zipOf([file]), ["zip", ["a.xml", true]]],
    ["zip, stored", zipOf([{ ...file, stored: true }]), ["zip", ["a.xml", true]]],
    ["zip, sizes behind the data", zipOf([{ ...file, streamed: true }]), ["zip", ["a.xml", true]]],
    [
      "zip with folders and several files",
      zipOf([{ name: "r/", content: Buffer.alloc(0) }, file, { name: "r/b", content: text }]),
      ["zip", ["a.xml", true], ["r/b", true]],
    ],
    ["zip that claims too little", zipOf([{ ...file, claims: 1 }]), ["zip", ["a.xml", true]]],
    ["zip without files", zipOf([]), ["zip"]],
    ["nothing", Buffer.alloc(0), ["plain", ["", false]]],
  ];
  test.each(cases)("%s", async (_, bytes, expected) => expect(await open(bytes)).toEqual(expected));
});

describe("what is refused", () => {
  const cases: [string, Uint8Array, string][] = [
    ["plain, too large", zeros, "too-large"],
    ["gzip, too large", gzipSync(zeros), "too-large"],
    [
      "gzip of many members, too large together",
      Buffer.concat(Array.from({ length: 20 }, () => gzipSync(zeros.subarray(0, MOST / 16)))),
      "too-large",
    ],
    ["zlib, too large", deflateSync(zeros), "too-large"],
    ["zip, too large", zipOf([{ name: "a", content: zeros }]), "too-large"],
    ["zip that lies about it", zipOf([{ name: "a", content: zeros, claims: 5 }]), "too-large"],
    ["zip that claims too much", zipOf([{ ...file, claims: 4_000_000_000 }]), "too-large"],
    [
      "zip, too large together",
      zipOf(Array.from({ length: 5 }, () => ({ name: "a", content: zeros.subarray(0, MOST / 4) }))),
      "too-large",
    ],
    ["zip with many files", zipOf(Array.from({ length: MOST_ENTRIES + 1 }, () => file)), "too-large"],
    ["zip, encrypted", zipOf([{ ...file, encrypted: true }]), "broken"],
    ["zip with a name that leaves the folder", zipOf([{ name: "../a", content: text }]), "broken"],
    ["zip, cut off", zipOf([file]).subarray(0, 60), "broken"],
    ["gzip, cut off", gzipSync(text).subarray(0, 30), "broken"],
    ["gzip, another sum", Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)]), "broken"],
    ["gzip with no data", Buffer.from([0x1f, 0x8b]), "broken"],
  ];
  test.each(cases)("%s", async (_, bytes, expected) => expect(await open(bytes)).toBe(expected));

  test("a bomb of a gigabyte costs neither its memory nor its time", async () => {
    const piece = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => piece));
    const [before, began] = [process.memoryUsage().rss, process.threadCpuUsage().user];
    expect(await open(bomb, 25 * 1024 * 1024)).toBe("too-large");
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
    expect(process.threadCpuUsage().user - began).toBeLessThan(2_000_000);
  });
});
