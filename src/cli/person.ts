import { apiOf } from "./api.ts";
import { memberPath, who, type Common, type Decided } from "./member.ts";
import { EXIT, outputFor, plain } from "./output.ts";

type Person = { person: string; role: string; addedAt: string; addedBy: string };

/** Lets somebody act for a member with an account of its own, or gives it another role. */
export async function personAdd(
  did: string,
  account: string,
  options: Decided & { role: string },
): Promise<number> {
  const out = outputFor(options);
  const { role } = options;
  const answer = await apiOf(options.env)("POST", memberPath(did, "/people"), {
    account,
    role,
    ...who(options),
  });
  out.say(`${plain(String(answer["person"]))} acts for ${did} as ${role}, from its next log-in or page on.`);
  out.result(answer);
  return EXIT.ok;
}

export async function personRemove(did: string, person: string, options: Decided): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("POST", memberPath(did, "/people/remove"), {
    person,
    ...who(options),
  });
  out.say(`${plain(person)} acts for ${did} no more.`);
  out.result(answer);
  return EXIT.ok;
}

export async function personList(did: string, options: Common): Promise<number> {
  const out = outputFor(options);
  const answer = await apiOf(options.env)("GET", memberPath(did, "/people"));
  const people = answer["people"] as Person[];
  out.say(`${did}, owner: the member's own account`);
  for (const { person, role, addedAt, addedBy } of people)
    out.say(`${plain(person)}, ${role}: since ${addedAt}, added by ${plain(addedBy)}`);
  if (people.length === 0)
    out.say(`Nobody else. Add somebody: atmos member person add ${did} HANDLE --role manager`);
  out.result(answer);
  return EXIT.ok;
}
