import { expect, test } from "vitest";
import { probeSmtp, type SmtpConnect, type TlsSession } from "./index.ts";

const session: TlsSession = { protocol: "TLSv1.3", named: true, expiresAt: 1, chain: [] };

/** A server that says these lines, whatever it hears. */
function scripted(lines: string[], tls: TlsSession | { fault: string } = session) {
  const heard: string[] = [];
  const rest = [...lines];
  let closed = false;
  const connect: SmtpConnect = async () => ({
    readLine: async () => rest.shift(),
    write: (text) => heard.push(text.trim()),
    startTls: async () => tls,
    close: () => (closed = true),
  });
  return { connect, heard, isClosed: () => closed };
}

const target = { host: "mx.test", address: "192.0.2.1", port: 25 };
const hello = ["220 mx.test ESMTP", "250-mx.test", "250-SIZE 1000", "250 starttls"];

const cases: [string, string[], object, string[]][] = [
  ["secured", [...hello, "220 go"], { status: "secured", session }, ["EHLO us", "STARTTLS", "QUIT"]],
  [
    "no STARTTLS",
    ["220 x", "250-mx.test STARTTLS", "250 SIZE"],
    { status: "no-starttls" },
    ["EHLO us", "QUIT"],
  ],
  ["busy", ["421 4.3.2 later"], { status: "unwilling", reply: "421 4.3.2 later" }, []],
  ["no EHLO", ["220 x", "502 no"], { status: "unwilling" }, ["EHLO us"]],
  ["promised, and refused", [...hello, "454 no"], { status: "tls-failed" }, ["EHLO us", "STARTTLS"]],
  ["gone at once", [], { status: "unreachable" }, []],
  ["gone after EHLO", ["220 x"], { status: "unreachable" }, ["EHLO us"]],
  ["another protocol", ["SSH-2.0-x"], { status: "unwilling", reply: "SSH-2.0-x" }, []],
  [
    "a reply without end",
    ["220 x", ...Array<string>(200).fill("250-x")],
    { status: "unreachable" },
    ["EHLO us"],
  ],
];
test.each(cases)("%s", async (_, lines, expected, heard) => {
  const server = scripted(lines);
  expect(await probeSmtp(target, "us", server.connect)).toMatchObject(expected);
  expect(server.heard).toEqual(heard);
  expect(server.isClosed()).toBe(true);
});

test("what keeps TLS from coming about is said", async () => {
  const server = scripted([...hello, "220 go"], { fault: "wrong version number" });
  const found = await probeSmtp(target, "us", server.connect);
  expect(found).toEqual({ status: "tls-failed", detail: "wrong version number" });
});

test("nobody there", async () => {
  const found = await probeSmtp(target, "us", async () => ({ fault: "timed out" }));
  expect(found).toEqual({ status: "unreachable", detail: "timed out" });
});
