import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { formatDate, formatTime } from "./words.ts";

export type Tone = "ok" | "note" | "warn" | "bad" | "idle";

/** A shape for each tone: who cannot tell the colours apart tells the shapes apart. */
const SHAPES: Record<Tone, string> = {
  ok: '<path d="M2.5 8.5 6.5 12.5 13.5 4" fill="none" stroke="currentColor" stroke-width="2.4"/>',
  note: '<path d="M8 1.8 15 14.2H1Z" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linejoin="round"/><path d="M8 6v4.2M8 11.4v1.4" stroke="currentColor" stroke-width="1.8"/>',
  warn: '<path d="M8 1 15 8 8 15 1 8Z" fill="none" stroke="currentColor" stroke-width="1.9" stroke-linejoin="round"/><path d="M8 4.6v4M8 10v1.5" stroke="currentColor" stroke-width="1.8"/>',
  bad: '<path d="M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2Z" fill="currentColor"/><path d="M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6" stroke="var(--sheet)" stroke-width="1.9"/>',
  idle: '<circle cx="8" cy="8" r="5.4" fill="none" stroke="currentColor" stroke-width="2.2"/>',
};

/** A status in a word, with a shape and a colour. */
export function Badge({ tone = "idle", children }: { tone?: Tone; children?: Child }) {
  return (
    <span class={`badge ${tone}`}>
      {raw(`<svg viewBox="0 0 16 16" aria-hidden="true">${SHAPES[tone]}</svg>`)}
      {children}
    </span>
  );
}

/** A part of a page under its own heading; on a wide screen the heading stands beside it, unless `wide`. */
export function Section(props: {
  id: string;
  title: string;
  intro?: Child;
  wide?: boolean;
  children?: Child;
}) {
  return (
    <section id={props.id} class={props.wide ? "section wide" : "section"} aria-labelledby={`${props.id}-h`}>
      <header>
        <h2 id={`${props.id}-h`}>{props.title}</h2>
        {props.intro ? <p>{props.intro}</p> : null}
      </header>
      <div class="section-body">{props.children}</div>
    </section>
  );
}

/** Ways to other pages, each with a sentence on what is there. */
export function Links({
  links,
}: {
  links: readonly (readonly [href: string, text: string, about: string])[];
}) {
  return (
    <dl class="links">
      {links.map(([href, text, about]) => (
        <div>
          <dt>
            <a href={href}>{text}</a>
          </dt>
          <dd>{about}</dd>
        </div>
      ))}
    </dl>
  );
}

/** `id`: a live update keeps its forms apart from those of other cards. */
export function Card({ tone, id, children }: { tone?: Tone; id?: string; children?: Child }) {
  return (
    <div class={tone ? `card ${tone}` : "card"} id={id}>
      {children}
    </div>
  );
}

/** `plain`: on a phone its values say by themselves what they are. */
export type Column = { label: string; numeric?: boolean; plain?: boolean };

export type Row = {
  /** Stable name of the row, so that a live update keeps it in place. */
  key: string;
  /** One for each column; the first is the row's heading. `null` leaves the cell empty. */
  cells: Child[];
};

/**
 * A table that reads as a list of cards on a phone, or as a list of a few lines each where it is `compact`, unless it is
 * `narrow` enough to stay one. Its roles are written out: `display` would take them away.
 */
export function DataTable(props: {
  caption: string;
  hideCaption?: boolean;
  narrow?: boolean;
  compact?: boolean;
  columns: Column[];
  rows: Row[];
}) {
  return (
    <table
      class={props.narrow ? "table" : props.compact ? "table cards compact" : "table cards"}
      role="table"
    >
      <caption class={props.hideCaption ? "vh" : undefined}>{props.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {props.columns.map((column) => (
            <th role="columnheader" scope="col" class={column.numeric ? "num" : undefined}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.rows.map((row) => (
          <tr role="row" data-key={row.key}>
            {row.cells.map((cell, i) => (
              <Cell column={props.columns[i]} heading={i === 0} value={cell} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Cell({ column, heading, value }: { column: Column | undefined; heading: boolean; value: Child }) {
  if (heading) {
    return (
      <th role="rowheader" scope="row">
        {value}
      </th>
    );
  }
  const classes = [column?.numeric ? "num" : "", value === null || value === "" ? "empty" : ""]
    .join(" ")
    .trim();
  return (
    <td role="cell" class={classes || undefined} data-label={column?.plain ? undefined : column?.label}>
      <span class="cell">{value}</span>
    </td>
  );
}

/** Names and values. */
export function KeyValue({ items }: { items: [string, Child][] }) {
  return (
    <dl class="kv">
      {items.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** Large numbers with what they count; `note` is a small addition such as a share. */
export function Figures({ items }: { items: { label: string; value: string; note?: string }[] }) {
  return (
    <dl class="figures">
      {items.map((item) => (
        <div>
          <dt>{item.label}</dt>
          <dd>
            {item.value}
            {item.note ? <small>{item.note}</small> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** An instant (ms since the epoch), in UTC. */
export function Time({ at, dateOnly }: { at: number; dateOnly?: boolean }) {
  const iso = new Date(at).toISOString();
  return (
    <time class="nowrap" datetime={dateOnly ? iso.slice(0, 10) : iso}>
      {dateOnly ? formatDate(at) : formatTime(at)}
    </time>
  );
}

/** Text to take away as it is. With scripts it has a copy button. */
export function Code({ text, label }: { text: string; label?: string }) {
  return (
    <div class="code">
      {label ? <p class="code-label">{label}</p> : null}
      <pre aria-label={label}>
        <code>{text}</code>
      </pre>
      <button type="button" class="copy">
        Copy
      </button>
    </div>
  );
}

/** What is there for whoever wants it, behind one line. Opens without scripts and by keyboard. */
export function Fold(props: { id: string; summary: Child; open?: boolean; children?: Child }) {
  const { id, summary, open, children } = props;
  return (
    <details id={id} class="fold" open={open}>
      <summary>{summary}</summary>
      <div class="stack">{children}</div>
    </details>
  );
}

/** Links to the pages before and after, where there is more than one. Pages count from 1. */
export function Pages({
  page,
  pages,
  href,
}: {
  page: number;
  pages: number;
  href: (page: number) => string;
}) {
  if (pages <= 1) return null;
  return (
    <nav class="pages" aria-label="Pages">
      {page > 1 ? (
        <a class="button" rel="prev" href={href(page - 1)}>
          Before
        </a>
      ) : null}
      <span>
        Page {page} of {pages}
      </span>
      {page < pages ? (
        <a class="button" rel="next" href={href(page + 1)}>
          Next
        </a>
      ) : null}
    </nav>
  );
}

/** One page of a list, of those that there are. */
export function pageOf<T>(
  all: readonly T[],
  asked: number,
  size: number,
): { items: T[]; page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(all.length / size));
  const page = Math.min(Math.max(1, asked), pages);
  return { items: all.slice((page - 1) * size, page * size), page, pages };
}

/** What to say where there is nothing yet. */
export function EmptyState({ title, children }: { title: string; children?: Child }) {
  return (
    <div class="empty-state">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

export function Breadcrumb({ items, current }: { items: { href: string; text: string }[]; current: string }) {
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      <ol>
        {items.map((item) => (
          <li>
            <a href={item.href}>{item.text}</a>
          </li>
        ))}
        <li aria-current="page">{current}</li>
      </ol>
    </nav>
  );
}
