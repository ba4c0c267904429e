import type { Child } from "hono/jsx";
import { Breadcrumb } from "../components.tsx";
import { COMMITTEE_PATH, memberPath } from "../paths.ts";
import type { PortalFrame, PortalRole } from "../view-portal.ts";
import { MemberNav, type MemberPageName } from "./member-nav.tsx";

/** Why whoever looks may not do something here; null: it may. Whoever sends the form anyway is refused by the same rule. */
export function whyNot(
  role: PortalRole,
  { membership }: Pick<PortalFrame, "membership">,
  needs: "manager" | "owner" = "manager",
): string | null {
  if (membership === "left") return "This membership has ended: nothing is changed any more.";
  if (role === "viewer")
    return `You are a viewer of this member: ${needs === "owner" ? "an owner" : "an owner or a manager"} can do this.`;
  if (role === "manager" && needs === "owner")
    return "You are a manager of this member: an owner can do this.";
  return null;
}

/** The top of a page of a member. */
export function PortalHead(props: {
  frame: PortalFrame;
  current: MemberPageName;
  title: string;
  role: PortalRole;
  lede?: Child;
}) {
  const { frame, current, title, role, lede } = props;
  const overview = { href: memberPath(frame.did), text: frame.domain };
  const items = role === "committee" ? [{ href: COMMITTEE_PATH, text: "Committee" }, overview] : [overview];
  return (
    <div class="page-head">
      <Breadcrumb items={items} current={title} />
      <MemberNav did={frame.did} current={current} />
      <h1>{title}</h1>
      {lede === undefined ? null : <p class="lede">{lede}</p>}
    </div>
  );
}

/** A form that changes something. For whom may not it is there all the same, disabled, with why. */
export function PortalForm(props: { action: string; why: string | null; class?: string; children?: Child }) {
  const { action, why, children } = props;
  if (why === null)
    return (
      <form method="post" action={action} class={props.class}>
        {children}
      </form>
    );
  return (
    <form class={props.class} method="post" action={action}>
      <fieldset class="bare" disabled>
        <legend class="why-not">{why}</legend>
        {children}
      </fieldset>
    </form>
  );
}

/** A line to fill in, with what it is for. */
export function Field(props: {
  id: string;
  name: string;
  label: string;
  hint?: Child;
  type?: "text" | "email" | "number" | "url";
  value?: string | undefined;
  placeholder?: string;
  maxlength?: number;
  required?: boolean;
}) {
  const { id, label, hint, type = "text", ...input } = props;
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        id={id}
        type={type}
        {...(type === "number" && { min: 1, max: 1_000_000, inputmode: "numeric" as const })}
        {...(type === "text" && { autocapitalize: "none", spellcheck: false })}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      {hint === undefined ? null : <small id={`${id}-hint`}>{hint}</small>}
    </p>
  );
}
