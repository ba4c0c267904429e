import { PERSON_ROLES, type PersonRole } from "../../account/index.ts";
import { DataTable, KeyValue, Section, Time } from "../components.tsx";
import { bouncesPath, peoplePath, repliesPath, webhooksPath } from "../paths.ts";
import { exportPath, leavePath } from "../paths-leave.ts";
import type { PortalRole, SettingsView } from "../view-portal.ts";
import { Field, PortalForm, PortalHead, whyNot } from "./portal-parts.tsx";

const ROLE_WORDS: Record<PersonRole, string> = {
  owner: "owner: all, people and leaving too",
  manager: "manager: all but people and leaving",
  viewer: "viewer: reads, changes nothing",
};

/** Where a member is told what, and who acts for it. */
export function SettingsPage({ view, role }: { view: SettingsView; role: PortalRole }) {
  const why = whyNot(role, view);
  return (
    <>
      <PortalHead
        frame={view}
        current="settings"
        title="Settings"
        role={role}
        lede="Where you are told of your mail, where replies go, and who acts for you."
      />
      <Notices view={view} why={why} />
      <Replies view={view} why={why} />
      <People view={view} why={whyNot(role, view, "owner")} />
      <Section id="leaving" title="Leaving">
        <p>
          What happens to what when you go, and what you can take along:{" "}
          <a href={leavePath(view.did)}>Leave</a>, <a href={exportPath(view.did)}>Export</a>.
        </p>
      </Section>
    </>
  );
}

function Notices({ view: { did, bounces }, why }: { view: SettingsView; why: string | null }) {
  return (
    <Section
      id="notices"
      title="Notices of mail"
      intro="What was not delivered, or is late. It stands on your pages in any case."
    >
      <PortalForm action={bouncesPath(did)} why={why} class="decide options">
        <fieldset>
          <legend>Where it is told</legend>
          {(
            [
              ["nobody", "Only here"],
              ["sender", "Here, and by mail to the sender of each message"],
              ["address", "Here, and by mail to one address of yours"],
            ] as const
          ).map(([to, words]) => (
            <label>
              <input type="radio" name="to" value={to} checked={bounces.to === to} /> {words}
            </label>
          ))}
          <input
            type="email"
            name="address"
            value={bounces.to === "address" ? bounces.address : ""}
            maxlength={320}
            placeholder="postmaster@your.domain"
            aria-label="Your address"
          />
        </fieldset>
        <p class="soft small">
          The address must be at one of your verified domains, or the contact that you were admitted with.
        </p>
        <button type="submit">Save</button>
      </PortalForm>
      <p class="soft small">
        What happens to your sending itself (a pause, a change of standing, a domain that is held) is always
        written to the contact of your application, and to <a href={webhooksPath(did)}>your webhook</a>.
      </p>
    </Section>
  );
}

/** People answer return paths: some mail programs show them as the sender. */
function Replies({ view: { did, replies }, why }: { view: SettingsView; why: string | null }) {
  return (
    <Section
      id="replies"
      title="Replies"
      intro="Some mail programs answer the return path of a message instead of its sender."
    >
      <PortalForm action={repliesPath(did)} why={why} class="decide">
        <Field
          id="replies-to"
          name="address"
          type="email"
          label="Replies of people to the return path are sent on to"
          value={replies ?? ""}
          maxlength={320}
          hint="Empty: they are refused, with words that say so. Like above, an address of yours."
        />
        <button type="submit">Save</button>
      </PortalForm>
    </Section>
  );
}

function People({ view: { did, people }, why }: { view: SettingsView; why: string | null }) {
  return (
    <Section
      id="people"
      title="People"
      intro="Who acts for this member with an account of its own. The member's own account is always its owner."
      wide
    >
      <DataTable
        caption="People who act for this member"
        hideCaption
        columns={[{ label: "Account" }, { label: "Role" }, { label: "Added" }, { label: "" }]}
        rows={[
          { key: did, cells: [<code>{did}</code>, "owner: the member itself", "with the member", ""] },
          ...people.map(({ person, role, addedAt, addedBy }) => ({
            key: person,
            cells: [
              <code>{person}</code>,
              ROLE_WORDS[role],
              <>
                <Time at={addedAt} dateOnly />, by {addedBy}
              </>,
              <details id={`person-${person}`}>
                <summary aria-label={`Change ${person}`}>Change</summary>
                <PortalForm action={peoplePath(did)} why={why} class="decide">
                  <input type="hidden" name="account" value={person} />
                  <RoleChoice id={`role-${person}`} role={role} />
                  <button type="submit">Save</button>
                </PortalForm>
                <PortalForm action={`${peoplePath(did)}/remove`} why={why}>
                  <input type="hidden" name="person" value={person} />
                  <p class="small">API tokens that it made end with it, and when it becomes a viewer.</p>
                  <button type="submit" class="grave">
                    Remove
                  </button>
                </PortalForm>
              </details>,
            ],
          })),
        ]}
      />
      <PortalForm action={peoplePath(did)} why={why} class="decide">
        <Field
          id="account"
          name="account"
          label="Account of somebody who is to act for this member"
          placeholder="@ada.example or did:plc:..."
          maxlength={300}
          required
        />
        <RoleChoice id="role" role="manager" />
        <button type="submit">Add</button>
      </PortalForm>
      <details id="roles">
        <summary>What each role may do</summary>
        <KeyValue
          items={[
            ["Owner", "Everything: also who acts for the member, and leaving."],
            ["Manager", "Domains, keys, credentials, webhooks, notices, pauses and appeals."],
            ["Viewer", "Reads all pages of the member, and changes nothing."],
          ]}
        />
      </details>
    </Section>
  );
}

function RoleChoice({ id, role }: { id: string; role: PersonRole }) {
  return (
    <>
      <label for={id}>Role</label>
      <select id={id} name="role">
        {PERSON_ROLES.map((one) => (
          <option value={one} selected={one === role}>
            {ROLE_WORDS[one]}
          </option>
        ))}
      </select>
    </>
  );
}
