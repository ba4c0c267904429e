import { Command, Option } from "commander";
import { PERSON_ROLES, TOKEN_SCOPES } from "../account/index.ts";
import {
  memberApplications,
  memberApply,
  memberApprove,
  memberDecline,
  type ApplyOptions,
} from "./applications.ts";
import { memberCredential, memberCredentials, memberEnv, memberRevoke } from "./credentials.ts";
import { domainRotate } from "./domain.ts";
import {
  memberAdd,
  memberBounces,
  memberDelete,
  memberReplies,
  memberDomain,
  memberLeave,
  memberList,
  memberPause,
  memberResume,
  memberShow,
  memberStanding,
} from "./member.ts";
import { memberAppeal, memberRemedy } from "./case.ts";
import { personAdd, personList, personRemove } from "./person.ts";
import { memberExport } from "./export.ts";
import { memberProof } from "./proof.ts";
import { memberToken } from "./token.ts";
import { memberWebhook } from "./webhook.ts";

type Parts = {
  env: () => Option;
  json: () => Option;
  /** Makes an action of a command. */
  run: <A extends unknown[]>(command: (...args: A) => Promise<number>) => (...args: A) => Promise<void>;
};

/** `atmos member ...` and `atmos domain ...`. */
export function memberCommands(program: Command, { env, json, run }: Parts): void {
  const by = () => new Option("--by <name>", "who decides, for the record; by default the user of this host");
  const enteredBy = () =>
    new Option("--by <name>", "who says it or enters it, for the record; by default the user of this host");
  const several = (text: string, before: string[] | undefined) => [...(before ?? []), text];
  const member = program.command("member").description("members of a running cooperative");
  const add = (name: string, description: string) =>
    member.command(name).description(description).addOption(env()).addOption(json());
  const reach = (command: Command) =>
    command
      .option("--name <text>", 'what it is for, such as "pds" or "ghost blog"')
      .addOption(new Option("--stream <name>", "transactional or bulk; both by default").argParser(several))
      .option("--hourly <n>", "at most so many recipients an hour")
      .option("--daily <n>", "at most so many recipients a day");

  add("apply", "enter what somebody applies with; it sends nothing until it is approved")
    .argument("<did>")
    .requiredOption("--name <text>")
    .requiredOption("--contact <address>", "where people reach it")
    .addOption(
      new Option("--domain <domain>", "a domain that it will send for; as often as needed")
        .argParser(several)
        .makeOptionMandatory(),
    )
    .option("--daily <n>", "messages that it expects to send a day")
    .option("--purpose <text>", "what it sends, and to whom")
    .option("--pds <host>", "host name of its PDS")
    .option("--words <text>", "what else it says")
    .addOption(by())
    .action(run((did: string, options: ApplyOptions) => memberApply(did, options)));
  add("applications", "list who waits for a decision")
    .addOption(new Option("--state <state>").choices(["open", "approved", "declined", "all"]).default("open"))
    .action(run(memberApplications));
  add("approve", "admit an applicant")
    .argument("<did>")
    .option("--tier <tier>", "where its warm-up begins; new by default")
    .option("--note <text>", "words for the member")
    .addOption(by())
    .action(run(memberApprove));
  add("decline", "decline an application")
    .argument("<did>")
    .requiredOption("--reason <text>", "why, in words for the applicant")
    .addOption(by())
    .action(run(memberDecline));
  add("add", "admit a member that has not applied")
    .argument("<did>")
    .option("--name <text>")
    .option("--tier <tier>")
    .addOption(by())
    .action(run(memberAdd));
  add("show", "show a member: what it applied with, domains, credentials, pauses")
    .argument("<did>")
    .action(run(memberShow));
  add("list", "list the members").action(run(memberList));
  add("domain", "add a domain: makes its keys and shows the records to publish")
    .argument("<did>")
    .argument("<domain>")
    .action(run(memberDomain));
  reach(add("env", "print the mail block of a PDS's environment file, with a fresh credential"))
    .argument("<did>")
    .option("--domain <domain>", "the domain that it sends as, where the member has several")
    .option("--credential <id>", "for this credential, whose secret comes on standard input")
    .option("--starttls", "STARTTLS (port 587) instead of TLS from the first octet (465)")
    .option("--port <n>", "another of the ports that are listened on, such as 2465")
    .option("--from <name>", "what stands before the @ of the sender", "noreply")
    .option("--moderation-from <name>", "the same for the moderation's mail", "moderation")
    .action(run(memberEnv));
  reach(add("credential", "make a credential; its secret is shown once"))
    .argument("<did>")
    .argument("<domains...>")
    .action(run(memberCredential));
  add("credentials", "list the credentials of a member, with their last use")
    .argument("<did>")
    .action(run(memberCredentials));
  add("revoke", "revoke a credential, at once and everywhere")
    .argument("<did>")
    .argument("<id>")
    .addOption(by())
    .action(run(memberRevoke));
  add("pause", "stop a member's mail, or one credential's: it waits")
    .argument("<did>")
    .option("--credential <id>")
    .requiredOption("--reason <text>", "why, in words for the member")
    .addOption(by())
    .action(run(memberPause));
  add("resume", "end the pauses of a member, or of one credential: what was held leaves")
    .argument("<did>")
    .option("--credential <id>")
    .requiredOption("--reason <text>", "why, in words for the member")
    .addOption(by())
    .action(run(memberResume));
  add("bounces", "show or choose where a member is told what became of its mail")
    .argument("<did>")
    .addOption(new Option("--to <address>", "at this address of the member").conflicts(["sender", "none"]))
    .addOption(new Option("--sender", "at the sender of each message").conflicts("none"))
    .option("--none", "nowhere (the default): its page has it in any case")
    .addOption(by())
    .action(run(memberBounces));
  add("replies", "show or choose where replies of people to its return paths are sent on to")
    .argument("<did>")
    .addOption(new Option("--to <address>", "at this address of the member").conflicts("none"))
    .option("--none", "nowhere (the default): they are refused, with words that say so")
    .addOption(by())
    .action(run(memberReplies));
  add("webhook", "show or choose where a member's own program is told what happens to its sending")
    .argument("<did>")
    .addOption(
      new Option("--url <url>", "at this https address; a new secret is shown once").conflicts([
        "none",
        "test",
      ]),
    )
    .addOption(new Option("--none", "nowhere (the default)").conflicts("test"))
    .option("--test", "ask it now with a message of the type test")
    .addOption(by())
    .action(run(memberWebhook));
  add("token", "make a token with which programs of a member call in its name; it is shown once")
    .argument("<did>")
    .option("--name <text>", 'what uses it, such as "monitor"')
    .addOption(
      new Option(
        "--scope <scope>",
        `what it may do, as often as needed: ${TOKEN_SCOPES.join(", ")}`,
      ).argParser(several),
    )
    .option("--days <n>", "it ends after so many days; 90 by default, 366 at most")
    .addOption(new Option("--list", "list those there are").conflicts(["name", "scope", "days", "revoke"]))
    .addOption(
      new Option("--revoke <id>", "revoke one, from the next call on").conflicts(["name", "scope", "days"]),
    )
    .addOption(by())
    .action(run(memberToken));
  add("proof", "print what is known of a member's reputation, signed; atmos proof verify checks it")
    .argument("<did>")
    .option("--out <file>", "into this file instead")
    .action(run(memberProof));
  add("export", "write everything that is kept about a member into a zip")
    .argument("<did>")
    .requiredOption("--out <file>", "a new file")
    .option("--whole", "with the addresses of its recipients: only to hand it to the member")
    .addOption(enteredBy())
    .action(run(memberExport));
  add("leave", "end a membership: nothing is sent any more, labels end, domains are free")
    .argument("<did>")
    .option("--reason <text>")
    .addOption(by())
    .action(run(memberLeave));
  add("delete", "delete what is kept of a member that has left, and say what stays and until when")
    .argument("<did>")
    .option("--yes", "it is meant: nothing brings it back")
    .addOption(by())
    .action(run(memberDelete));
  add("standing", "change a standing by a person's decision")
    .argument("<did>")
    .argument("<standing>")
    .requiredOption("--by <name>", "who decides: a DID, a handle or a name; kept and shown")
    .requiredOption("--why <text>", "why, in words for the member")
    .option("--remedy <text>", "what the member can do")
    .action(run(memberStanding));
  add("appeal", "enter that a member finds a change of its standing wrong: a case for the committee")
    .argument("<did>")
    .argument("<change>", "number of the change, as its page and its letter give it")
    .requiredOption("--text <text>", "what the member says")
    .addOption(enteredBy())
    .action(run(memberAppeal));
  add("remedy", "enter what a member has changed, which the way back from probation asks")
    .argument("<did>")
    .requiredOption("--text <text>", "what the member says")
    .addOption(enteredBy())
    .action(run(memberRemedy));

  const person = member.command("person").description("people who act for a member with their own accounts");
  const onPeople = (name: string, description: string) =>
    person.command(name).description(description).addOption(env()).addOption(json()).argument("<did>");
  onPeople("add", "let somebody act for a member, or give it another role")
    .argument("<account>", "its handle, or its DID")
    .addOption(
      new Option("--role <role>", "viewer reads; manager does all but people and leaving; owner does all")
        .choices(PERSON_ROLES)
        .makeOptionMandatory(),
    )
    .addOption(by())
    .action(run(personAdd));
  onPeople("remove", "let somebody act for a member no more, from its next page on")
    .argument("<person>", "its DID, as list gives it")
    .addOption(by())
    .action(run(personRemove));
  onPeople("list", "list who acts for a member").action(run(personList));

  program
    .command("domain")
    .description("domains of members")
    .command("rotate")
    .description("new DKIM keys for a domain; the old ones sign until the new ones are in the DNS")
    .argument("<domain>")
    .option("--status", "only look")
    .option("--cancel", "forget the next pair, as long as it does not sign")
    .option("--now", "let the next pair sign as soon as it is in the DNS, without waiting an hour")
    .addOption(env())
    .addOption(json())
    .action(run(domainRotate));
}
