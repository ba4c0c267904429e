import { expect, test } from "vitest";
import { recipientFacts } from "./context.ts";
import { parseAddress } from "./submission/address.ts";

const secret = new Uint8Array(32).fill(6);
const keyOf = (text: string) => {
  const parsed = parseAddress(text);
  return parsed && recipientFacts(secret, parsed.address, parsed.domain).key;
};

test.each<[string, string, string, boolean]>([
  ["case of the domain", "ada@BigMail.test", "ada@bigmail.test", true],
  ["case of the local part", "Ada@bigmail.test", "ada@bigmail.test", true],
  ["U-labels and A-labels", "ada@bücher.test", "ada@xn--bcher-kva.TEST", true],
  ["quotes that need not be", '"ada"@bigmail.test', "ada@bigmail.test", true],
  ["a quoted pair", '"a\\da"@bigmail.test', "ada@bigmail.test", true],
  ["accents in two forms", "jos\u00e9@bigmail.test", "jose\u0301@bigmail.test", true],
  ["a tag is another mailbox", "ada+pds@bigmail.test", "ada@bigmail.test", false],
  ["dots are another mailbox", "a.da@bigmail.test", "ada@bigmail.test", false],
  ["another domain", "ada@bigmail.example", "ada@bigmail.test", false],
])("the key of a recipient: %s", (_name, one, other, same) => {
  expect([keyOf(one), keyOf(other)]).not.toContain(undefined);
  expect(keyOf(one) === keyOf(other)).toBe(same);
});

test.each(["ada@bigmail.test.", "ada@", "@bigmail.test", "Ada <ada@bigmail.test>", "ada@big mail.test"])(
  "%s is no address, wherever it is typed",
  (text) => expect(parseAddress(text)).toBeUndefined(),
);
