/** Ground of every page: colours, type, spacing, the shell. Light and dark follow the reader's system. */
export const baseStyle = `
@font-face {
  font-family: "Hyperlegible"; font-weight: 200 800; font-display: swap;
  src: url("/assets/text.woff2") format("woff2");
}
@font-face {
  font-family: "Hyperlegible"; font-weight: 200 800; font-display: swap;
  src: url("/assets/text-ext.woff2") format("woff2");
  unicode-range: U+0100-02BA, U+1E00-1E9F, U+1EF2-1EFF, U+2C60-2C7F, U+A720-A7FF;
}
@font-face {
  font-family: "Hyperlegible Mono"; font-weight: 200 800; font-display: swap;
  src: url("/assets/mono.woff2") format("woff2");
}

:root {
  color-scheme: light dark;
  --paper: #f4f7f6; --sheet: #ffffff; --wash: #e8efee;
  --ink: #14252c; --ink-soft: #4b5d64; --line: #d2dcda; --line-strong: #768c8e;
  --accent: #0b5a6d; --accent-soft: #b9d5da; --on-accent: #ffffff;
  --ok: #1c6842; --ok-wash: #e1f1e7;
  --note: #7a4f00; --note-wash: #fbf0d3;
  --warn: #96400a; --warn-wash: #fdeadc;
  --bad: #a3241f; --bad-wash: #fbe6e3;
  --idle: #4b5d64; --idle-wash: #e6eceb;
  --bar: #1c6d80; --bar-b: #b8820a; --bar-c: #c2342b;
  --text: "Hyperlegible", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  --mono: "Hyperlegible Mono", ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  --gap: 1.5rem; --edge: clamp(1rem, 4vw, 2.5rem); --radius: 4px;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f191d; --sheet: #152227; --wash: #1d2d33;
    --ink: #e4ecea; --ink-soft: #a5b6b8; --line: #2a3b42; --line-strong: #5f757c;
    --accent: #82cbd9; --accent-soft: #2d5660; --on-accent: #0b1a1e;
    --ok: #86d6a8; --ok-wash: #14332a;
    --note: #edc565; --note-wash: #372c10;
    --warn: #f5a872; --warn-wash: #3b2413;
    --bad: #f79b92; --bad-wash: #411d1b;
    --idle: #a5b6b8; --idle-wash: #22333a;
    --bar: #4fa3b5; --bar-b: #e8b94a; --bar-c: #f0756b;
  }
}

*, *::before, *::after { box-sizing: border-box; }
html { font-size: 106.25%; -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 400 1rem/1.55 var(--text);
  display: flex; flex-direction: column; min-height: 100vh;
}
h1, h2, h3, h4 { line-height: 1.2; margin: 0; font-weight: 650; text-wrap: balance; }
h1 { font-size: clamp(1.7rem, 1.2rem + 2.2vw, 2.5rem); letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; letter-spacing: -0.005em; }
h3 { font-size: 1.06rem; }
p, ul, ol, dl, pre, figure { margin: 0; }
p { max-width: 66ch; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code, pre, kbd, samp { font-family: var(--mono); font-size: 0.93em; }
code { overflow-wrap: anywhere; }
strong { font-weight: 650; }
small, .small { font-size: 0.875rem; }
.soft { color: var(--ink-soft); }
.nowrap { white-space: nowrap; }
.stack > * + * { margin-top: 0.9rem; }
.vh {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: var(--edge); top: -4rem; padding: 0.5rem 1rem; z-index: 2;
  background: var(--accent); color: var(--on-accent); border-radius: var(--radius); }
.skip:focus { top: 0.5rem; }

.frame { width: 100%; max-width: 76rem; margin: 0 auto; padding-inline: var(--edge); }
.masthead { border-bottom: 1px solid var(--line); background: var(--sheet); }
.masthead .frame { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.75rem; min-height: 3.75rem; }
.brand { display: inline-flex; align-items: center; gap: 0.6rem; min-height: 44px;
  color: var(--ink); font-weight: 650; text-decoration: none; }
.brand svg { width: 2.1rem; height: 1.4rem; color: var(--accent); flex: none; }
.masthead nav { margin-left: auto; }
.masthead nav ul { display: flex; flex-wrap: wrap; gap: 0 1.4rem; list-style: none; padding: 0; }
.masthead nav a { display: inline-flex; align-items: center; min-height: 44px; color: var(--ink-soft); text-decoration: none;
  border-bottom: 2px solid transparent; }
.masthead nav a:hover { color: var(--ink); border-color: var(--line-strong); }
.masthead nav a[aria-current] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
.viewer { display: flex; align-items: center; gap: 0.9rem; min-height: 44px; font-size: 0.875rem; color: var(--ink-soft); min-width: 0; }
.viewer span { overflow-wrap: anywhere; }

@media (max-width: 44rem) {
  .viewer { margin-left: auto; } .viewer span { display: none; }
  .masthead:has(.viewer) nav { order: 3; width: 100%; margin: 0; }
  .masthead nav { min-width: 0; max-width: 100%; overflow-x: auto; scrollbar-width: none; }
  .masthead nav ul { flex-wrap: nowrap; gap: 0 0.95rem; font-size: 0.92rem; }
  .masthead nav a { white-space: nowrap; }
  .masthead nav a:focus-visible { outline-offset: -3px; }
}

main { flex: 1; padding-block: clamp(1.5rem, 4vw, 3rem) 4rem; }
.page-head { margin-bottom: clamp(1.75rem, 4vw, 2.75rem); }
.page-head > * + * { margin-top: 0.8rem; }
.lede { font-size: 1.15rem; line-height: 1.5; max-width: 60ch; }
.crumbs ol { display: flex; flex-wrap: wrap; list-style: none; padding: 0; font-size: 0.875rem; color: var(--ink-soft); }
.crumbs li { display: inline-flex; align-items: center; }
.crumbs li + li::before { content: "\\203A"; margin-inline: 0.5rem; }
.crumbs a { display: inline-flex; align-items: center; min-height: 32px; }
.colophon { border-top: 1px solid var(--line); color: var(--ink-soft); font-size: 0.875rem; }
.colophon .frame { padding-block: 1.25rem 1.75rem; display: flex; flex-wrap: wrap; gap: 0.4rem 2rem; align-items: center; }
.colophon .live { margin-left: auto; display: flex; align-items: center; gap: 0.8rem; }

form { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem; }
main form { margin-block: 0 2rem; }
input, select, textarea { font: inherit; color: inherit; background: var(--sheet); border: 1px solid var(--line-strong); border-radius: 4px; padding: 0.35rem 0.6rem; max-width: 100%; }
button, .button {
  font: 600 0.875rem/1.2 var(--text); min-height: 36px; padding: 0.35rem 0.85rem; cursor: pointer;
  color: var(--accent); background: transparent; border: 1px solid var(--line-strong); border-radius: var(--radius);
}
button:hover, .button:hover { border-color: var(--accent); background: var(--wash); }
html:not(.scripted) .copy, html:not(.scripted) .colophon .live { display: none; }
@media (prefers-reduced-motion: no-preference) {
  .fresh { animation: fresh 2s ease-out; }
  @keyframes fresh { from { background: var(--accent-soft); } }
}
@media (pointer: coarse) { button, .button { min-height: 44px; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; scroll-behavior: auto !important; } }
@media print { .masthead nav, .viewer, .colophon .live, .copy { display: none; } body { background: #fff; } }
`;
