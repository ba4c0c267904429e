import { afterEach, describe, expect, test, vi } from "vitest";
import { parseMail } from "./parser.ts";

afterEach(() => vi.unstubAllGlobals());

const message = (encoding: string, body: string) =>
  Buffer.from(`Content-Type: text/plain; charset=utf-8\r\n${encoding}\r\n${body}`);

const TEXT = "Grüße,\n\nline 3 = the end\n";

describe("parseMail", () => {
  test.each([
    ["7bit", "Content-Transfer-Encoding: 7bit\r\n", "a\r\n\r\nb\r\n", "a\n\nb\n"],
    ["none", "", "a\r\n\r\n\r\n", "a\n\n\n"],
    ["8bit", "Content-Transfer-Encoding: 8bit\r\n", TEXT.replaceAll("\n", "\r\n"), TEXT],
    [
      "quoted-printable",
      "Content-Transfer-Encoding: quoted-printable\r\n",
      "Gr=C3=BC=C3=9Fe,\r\n\r\nline 3 =3D=\r\n the end\r\n",
      TEXT,
    ],
    [
      "base64",
      "Content-Transfer-Encoding: base64\r\n",
      `${Buffer.from(TEXT).toString("base64").slice(0, 20)}\r\n${Buffer.from(TEXT).toString("base64").slice(20)}\r\n`,
      TEXT,
    ],
  ])("reads a part in %s", async (_name, encoding, body, text) => {
    expect((await parseMail(message(encoding, body), {})).text).toBe(text);
  });

  test("each part has its own content", async () => {
    const parts = ["text/plain\r\n\r\none\r\n", "text/html\r\n\r\n<p>two</p>\r\n"];
    const mail = await parseMail(
      Buffer.from(
        `Content-Type: multipart/alternative; boundary=b\r\n\r\n${parts
          .map((one) => `--b\r\nContent-Type: ${one}`)
          .join("")}--b--\r\n`,
      ),
      {},
    );
    expect([mail.text?.trim(), mail.html?.trim()]).toEqual(["one", "<p>two</p>"]);
  });

  test("a text of many lines is not made a Blob of as many pieces", async () => {
    const pieces: number[] = [];
    class CountingBlob extends Blob {
      constructor(parts: Iterable<Buffer>) {
        const all = [...parts];
        pieces.push(all.length);
        super(all);
      }
    }
    vi.stubGlobal("Blob", CountingBlob);
    await parseMail(message("", "line\r\n".repeat(1_000)), {});
    expect(pieces).toEqual([]);
  });
});
