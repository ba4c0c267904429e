/** The parts that pages are made of: sections, tables that become cards, badges, charts, code. */
export const partStyle = `
.section { border-top: 1px solid var(--line-strong); padding-block: 1.4rem 2.6rem; }
.section > header { margin-bottom: 1.1rem; }
.section > header p { color: var(--ink-soft); font-size: 0.94rem; margin-top: 0.45rem; }
.section-body > * + * { margin-top: 1.25rem; }
@media (min-width: 64rem) {
  .section { display: grid; grid-template-columns: 15.5rem minmax(0, 1fr); column-gap: 2.5rem; }
  .section.wide { display: block; }
}
.card { background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); padding: 1.1rem 1.25rem; }
.card > * + * { margin-top: 0.75rem; }
.card.note { border-left: 4px solid var(--note); } .card.ok { border-left: 4px solid var(--ok); }
.card.warn { border-left: 4px solid var(--warn); } .card.bad { border-left: 4px solid var(--bad); }
.columns { display: grid; gap: var(--gap); grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); align-items: start; }

.badge {
  display: inline-flex; align-items: center; gap: 0.38rem; padding: 0.12rem 0.55rem 0.12rem 0.42rem; vertical-align: baseline;
  border: 1px solid color-mix(in srgb, currentColor 35%, transparent); border-radius: var(--radius); font-size: 0.82rem; font-weight: 600; line-height: 1.35; white-space: nowrap;
  color: var(--idle); background: var(--idle-wash);
}
.badge svg { width: 0.8rem; height: 0.8rem; flex: none; }
.badge.ok { color: var(--ok); background: var(--ok-wash); } .badge.note { color: var(--note); background: var(--note-wash); }
.badge.warn { color: var(--warn); background: var(--warn-wash); } .badge.bad { color: var(--bad); background: var(--bad-wash); }
@media (max-width: 44rem) { .badge { white-space: normal; } }
.badges { display: inline-flex; flex-wrap: wrap; gap: 0.35rem; }

.table { width: 100%; border-collapse: collapse; font-size: 0.94rem; }
.table caption { text-align: left; color: var(--ink-soft); font-size: 0.875rem; padding-bottom: 0.5rem; }
.table th, .table td { text-align: left; vertical-align: baseline; padding: 0.55rem 1.1rem 0.55rem 0; border-bottom: 1px solid var(--line); }
.table th:last-child, .table td:last-child { padding-right: 0; }
.table thead th { font-size: 0.82rem; font-weight: 600; color: var(--ink-soft); border-bottom-color: var(--line-strong); vertical-align: bottom; }
.table tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 9rem; }
.table td { overflow-wrap: break-word; }
.table .num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.table td svg.spark { vertical-align: middle; }
.table tbody tr:hover { background: var(--wash); }
@media (max-width: 44rem) {
  .table.cards, .cards caption, .cards tbody, .cards tr, .cards td, .cards tbody th { display: block; }
  .table:not(.cards) .num { white-space: normal; }
  .cards thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .cards tr { background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); padding: 0.7rem 0.95rem; }
  .cards tbody tr:hover { background: var(--sheet); }
  .cards tr + tr { margin-top: 0.65rem; }
  .cards tbody th { padding: 0 0 0.35rem; border: 0; font-size: 1.02rem; }
  .cards td, .cards td.num, .cards td:last-child { display: grid; grid-template-columns: 5.4rem minmax(0, 1fr); gap: 0.75rem;
    padding: 0.22rem 0; border: 0; text-align: left; white-space: normal; }
  .cards td::before { content: attr(data-label); color: var(--ink-soft); font-size: 0.875rem; }
  .cards td.empty { display: none; }
  .cards td > .cell { min-width: 0; overflow-wrap: anywhere; }
}
@media (max-width: 44rem) {
  .cards.compact tr { background: none; border: 0; border-bottom: 1px solid var(--line); border-radius: 0; padding: 0.6rem 0; display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; align-items: baseline; }
  .cards.compact tr + tr { margin-top: 0; }
  .cards.compact tbody th { padding: 0; flex: 1 1 100%; }
  .cards.compact td, .cards.compact td.num, .cards.compact td:last-child { display: flex; gap: 0.4rem; padding: 0; align-items: baseline; font-size: 0.9rem; max-width: 100%; }
  .cards.compact td.empty { display: none; } .cards.compact td:not([data-label])::before { content: none; }
}
.kv { display: grid; grid-template-columns: minmax(8rem, 12rem) minmax(0, 1fr); gap: 0.4rem 1.25rem; }
.letter { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.9375rem; }
.kv dt { color: var(--ink-soft); } .kv dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 30rem) { .kv { grid-template-columns: minmax(0, 1fr); gap: 0; } .kv dd { margin-bottom: 0.6rem; } }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.6rem, 1fr)); gap: 1.1rem var(--gap); }
.figures div { border-left: 2px solid var(--accent-soft); padding-left: 0.85rem; display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--ink-soft); font-size: 0.875rem; }
.figures dd { margin: 0; font-size: 1.75rem; font-weight: 600; line-height: 1.15; letter-spacing: -0.01em; }
.figures dd small { font-size: 0.875rem; font-weight: 400; color: var(--ink-soft); letter-spacing: 0; margin-left: 0.35rem; }

.meter .meter-line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-size: 0.94rem; }
.meter svg { display: block; width: 100%; height: 10px; margin-top: 0.3rem; overflow: visible; }
.meter .track { fill: var(--wash); stroke: var(--line-strong); stroke-width: 1px; }
.meter .fill { fill: var(--accent); } .meter.over .fill { fill: var(--bad); } .meter.near .fill { fill: var(--note); }
.meter .mark { stroke: var(--ink); stroke-width: 2px; }
.meter p { font-size: 0.875rem; color: var(--ink-soft); margin-top: 0.25rem; }

.chart { display: block; width: 100%; overflow: visible; }
.chart text { font: 400 13px var(--text); fill: var(--ink-soft); font-variant-numeric: tabular-nums; }
.chart text.strong { fill: var(--ink); font-weight: 600; }
.chart .grid { stroke: var(--line); stroke-width: 1px; } .chart .base { stroke: var(--line-strong); stroke-width: 1px; }
.chart .limit { stroke: var(--ink); stroke-width: 1.5px; stroke-dasharray: 5 4; }
.bar { fill: var(--bar); } .bar.b { fill: var(--bar-b); } .bar.c { fill: var(--bar-c); }
.chart .day.ok { fill: var(--bar); } .chart .day.warn { fill: var(--note); } .chart .day.bad { fill: var(--bad); } .chart .day.idle { fill: var(--idle); }
.chart .gap { fill: none; stroke: var(--line-strong); stroke-width: 1px; stroke-dasharray: 3 3; }
.chart .over { paint-order: stroke; stroke: var(--sheet); stroke-width: 4px; }
.gap { fill: none; stroke: var(--line-strong); stroke-width: 1.2px; stroke-dasharray: 3 3; }
.chart .seam { stroke: var(--paper); stroke-width: 1px; }
.chart .limit.across { stroke: var(--paper); stroke-width: 2px; }
.spark { width: 92px; height: 24px; } .spark polyline { fill: none; stroke: var(--accent); stroke-width: 1.6; } .spark circle { fill: var(--accent); }
figure figcaption { font-size: 0.94rem; color: var(--ink-soft); margin-top: 0.6rem; max-width: 66ch; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.3rem; list-style: none; padding: 0; margin-bottom: 0.75rem; font-size: 0.875rem; }
.legend li { display: inline-flex; align-items: center; gap: 0.45rem; } .legend svg { width: 12px; height: 12px; }

.code { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.4rem 0.6rem; justify-items: start; }
.code > p, .code > pre { width: 100%; }
@media (min-width: 44.01rem) {
  .scripted .code:has(.copy) { grid-template-columns: minmax(0, 1fr) auto; align-items: start; }
  .code .code-label { grid-column: 1 / -1; }
}
.code .code-label { font-size: 0.82rem; color: var(--ink-soft); }
.code pre { background: var(--wash); border: 1px solid var(--line); border-radius: var(--radius); padding: 0.7rem 0.9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.5; tab-size: 2; }
.transcript { overflow: auto; font-size: 0.85rem; }
.letter { border-left: 3px solid var(--line-strong); padding-left: 0.95rem; } .letter .quote { border-left: 0; }
.options + .mails { margin-top: 1.6rem; }
.transcript .ours { color: var(--accent); } .transcript .note { color: var(--ink-soft); font-style: italic; }
.attempt { border-left: 3px solid var(--line-strong); padding-left: 0.95rem; } .attempt + .attempt { margin-top: 1.4rem; }
.attempt-head { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; align-items: baseline; } .attempt-head code { overflow-wrap: anywhere; }
.attempt .kv { grid-template-columns: minmax(5rem, 7rem) minmax(0, 1fr); gap: 0.2rem 1rem; font-size: 0.94rem; }
@media (max-width: 30rem) { .attempt .kv { grid-template-columns: minmax(0, 1fr); gap: 0; } .attempt .kv dd { margin-bottom: 0.35rem; } }
.options fieldset { margin: 0; border: 1px solid var(--line-strong); border-radius: var(--radius); padding: 0.7rem 1rem 0.9rem; display: grid; gap: 0.5rem; width: 100%; min-width: 0; }
.options legend { font-size: 0.94rem; color: var(--ink-soft); padding: 0 0.35rem; }
.decide.options label { color: var(--ink); min-height: 32px; display: flex; gap: 0.6rem; align-items: baseline; } .options input[type="radio"] { accent-color: var(--accent); } .options input[type="email"] { margin-left: 1.6rem; max-width: 22rem; width: calc(100% - 1.6rem); }
.empty-state { border: 1px dashed var(--line-strong); border-radius: var(--radius); padding: 1.1rem 1.25rem; color: var(--ink-soft); }
.empty-state strong { color: var(--ink); display: block; }
details > summary { cursor: pointer; color: var(--accent); min-height: 32px; display: flex; align-items: center; gap: 0.5rem; }
details > summary::-webkit-details-marker { display: none; }
details > summary::before { content: ""; border: solid currentColor; border-width: 0 2px 2px 0; width: 0.42rem; height: 0.42rem; flex: none; transform: rotate(-45deg); }
details[open] > summary::before { transform: rotate(45deg); }
details > *:not(summary) { margin-top: 0.5rem; }
.fold { border: 1px solid var(--line); border-radius: var(--radius); background: var(--sheet); }
.fold > summary { position: relative; padding: 0.55rem 0.95rem 0.55rem 2rem; min-height: 44px; flex-wrap: wrap; gap: 0.2rem 0.6rem; }
.fold > summary::before { position: absolute; left: 0.95rem; top: 1.15rem; }
.fold > summary:hover { background: var(--wash); }
.fold > .stack { margin: 0; padding: 0.35rem 0.95rem 1rem; }
.fold > .stack > [id] { scroll-margin-top: 5rem; }
.pages { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: center; font-size: 0.94rem; }
.button { display: inline-flex; align-items: center; text-decoration: none; }
.links > div + div { margin-top: 0.9rem; }
.links dt a { display: inline-flex; align-items: center; min-height: 32px; font-weight: 600; } .links dd { margin: 0; color: var(--ink-soft); }
.jumps { display: flex; flex-wrap: wrap; gap: 0 1.2rem; margin-bottom: 1.5rem; font-size: 0.94rem; }
.jumps a { display: inline-flex; align-items: center; min-height: 44px; } .jumps [aria-current] { color: inherit; font-weight: 650; text-decoration: none; }
.needs { list-style: none; padding: 0; display: grid; gap: 0.75rem; }
.needs > li { background: var(--sheet); border: 1px solid var(--line); border-left: 4px solid var(--line-strong); border-radius: var(--radius); padding: 0.75rem 1rem 0.85rem; display: grid; gap: 0.3rem; }
.needs > .bad { border-left-color: var(--bad); } .needs > .warn { border-left-color: var(--warn); } .needs > .note { border-left-color: var(--note); }
.need-head { display: flex; flex-wrap: wrap; gap: 0.2rem 0.8rem; align-items: baseline; max-width: none; }
.need-head a, .need-head strong { font-weight: 650; overflow-wrap: anywhere; min-width: 0; }
.need-do { border-left: 3px solid var(--accent-soft); padding-left: 0.75rem; }
.need-said { color: var(--ink-soft); font-size: 0.9rem; overflow-wrap: anywhere; max-width: 80ch; }
.quote { border-left: 3px solid var(--line-strong); padding-left: 0.9rem; }
.plain { list-style: none; padding: 0; } .plain > li + li { margin-top: 0.6rem; }
.situation { margin-bottom: 2.5rem; } .needs + .situation { margin-top: 1rem; } .needs h2 { font-size: 1.15rem; }
.situation .kv { margin-top: 0.75rem; }
.finding .badge, .plain .badge { margin-right: 0.3rem; }
.change-line { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: baseline; }
.change-line > .small { font-weight: 400; }
.changes > li + li { border-top: 1px solid var(--line); padding-top: 0.9rem; margin-top: 0.9rem; }
.tally { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: 0.9rem 1rem; list-style: none; padding: 0; }
.tally li { display: flex; align-items: center; gap: 0.6rem; } .tally strong { font-size: 1.75rem; line-height: 1; }
.ladder { list-style: none; padding: 0; }
.ladder li { position: relative; padding: 0 0 1rem 1.9rem; }
.ladder li::before { content: ""; position: absolute; left: 0.2rem; top: 0.32rem; width: 0.85rem; height: 0.85rem; border-radius: 50%;
  border: 2px solid var(--line-strong); background: var(--paper); }
.ladder li:not(:last-child)::after { content: ""; position: absolute; left: 0.58rem; top: 1.3rem; bottom: -0.2rem; border-left: 2px solid var(--line); }
.ladder .here::before { border-color: currentColor; background: currentColor; box-shadow: 0 0 0 3px var(--paper), 0 0 0 5px currentColor; }
.ladder .here p:first-child { font-size: 1.06rem; } .ladder .here p:first-child, .ladder .here { color: var(--ink); }
.ladder .here.ok::before { color: var(--ok); } .ladder .here.note::before { color: var(--note); }
.ladder .here.warn::before { color: var(--warn); } .ladder .here.bad::before { color: var(--bad); } .ladder .here.idle::before { color: var(--idle); }
.finding { border-left: 3px solid var(--line-strong); padding-left: 0.95rem; } .finding.quiet { border-left-width: 1px; }
.mails > li { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
.mail-head { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; margin-bottom: 0.5rem; max-width: none; }
.recipient { padding-left: 0.95rem; } .recipient + .recipient { margin-top: 0.8rem; }
.notice > * + * { margin-top: 1.1rem; }
.choices { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); margin-top: 1.1rem; }
main .choice { display: flex; flex-direction: column; align-items: flex-start; gap: 0.6rem; margin: 0; padding: 0.9rem 1rem;
  border: 1px solid var(--line-strong); border-radius: var(--radius); }
.choice p { flex: 1; }
main .decide { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.4rem; justify-items: start; margin: 1.1rem 0 0; max-width: 40rem; } .decide select { max-width: 100%; }
.decide label { font-size: 0.94rem; color: var(--ink-soft); } .decide textarea { width: 100%; } .decide button { margin-top: 0.4rem; }
.field { width: 100%; display: grid; gap: 0.2rem; justify-items: start; max-width: 40rem; } .field input, .field textarea { width: 100%; } @media (max-width: 34rem) { .field select { width: 100%; } } .field input[type="number"] { width: 8rem; }
.field small { color: var(--ink-soft); }
.ladder .done::before { border-color: var(--ok); background: var(--ok); }
.bare { border: 0; padding: 0; margin: 0; min-width: 0; width: 100%; display: grid; gap: 0.6rem; justify-items: start; }
button:disabled, button:disabled:hover { color: var(--ink-soft); border-color: var(--line); background: none; border-style: dashed; cursor: not-allowed; }
:is(input, select, textarea):disabled { color: var(--ink-soft); border-style: dashed; cursor: not-allowed; }
.why-not { color: var(--ink-soft); font-size: 0.9rem; padding: 0 0 0.3rem; } .bare .choices { width: 100%; }
fieldset.checks { border: 0; padding: 0; margin: 0; min-width: 0; display: flex; flex-wrap: wrap; gap: 0.1rem 1.4rem; }
.checks legend { padding: 0; font-size: 0.94rem; } .checks label { display: inline-flex; gap: 0.5rem; align-items: center; min-height: 32px; overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: start; } main .actions form { margin: 0; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.6rem; }
.grave { color: var(--bad); } .grave:hover { border-color: var(--bad); }
main td form { margin: 0; }
.beneath { display: block; font-size: 0.82rem; font-weight: 400; color: var(--ink-soft); }
@media (min-width: 44.01rem) { .choice button, .decide button { white-space: nowrap; } }
`;
