/**
 * The one script of the pages; everything works without it. It copies code blocks, goes on where a page only leads on, sends a form that is pressed twice
 * only once (a second answer would take the place of the one with a secret on it), and on a page whose `<main>` has
 * `data-live` it fetches the page again every few seconds and merges it in place: nodes are kept, so focus, scroll
 * position, selection and open `<details>` stay as they are. With `data-news` it waits to hear that there is news (server-sent
 * events, while the page is seen), and asks only now and then. Times are shown in the reader's zone, UTC in their title.
 */
export const pageScript = `"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button.copy") : null;
    if (!button) return;
    const text = button.closest(".code").querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(button.closest(".code").querySelector("code"));
      button.textContent = "Selected: press the copy key";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });

  const sent = new WeakMap();
  document.addEventListener("submit", (event) => {
    if (event.timeStamp - (sent.get(event.target) ?? -Infinity) < 10000) event.preventDefault();
    else sent.set(event.target, event.timeStamp);
  });

  const onward = document.querySelector("a[data-onward]");
  if (onward) location.assign(onward.href);

  const main = document.querySelector("main");
  const zoned = new Intl.DateTimeFormat("en-GB", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  const inUtc = new Date().getTimezoneOffset() === 0 && zoned.resolvedOptions().timeZone === "UTC";
  function localTimes(within) {
    if (inUtc || !within) return;
    for (const time of within.querySelectorAll("time[datetime*=T]")) {
      time.title = time.textContent;
      time.textContent = zoned.format(new Date(time.dateTime));
    }
  }
  localTimes(main);

  const seconds = Number(main && main.dataset.live);
  const status = document.querySelector("#live-status");
  const toggle = document.querySelector("#live-toggle");
  if (!seconds || !status || !toggle) return;

  let paused = false;
  let stopped = false;
  let running = false;
  let again = false;
  let source = null;
  let asked = performance.now();
  let last = "";
  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const idle = () => say(paused ? "Updates are paused." : "Updates by itself.");
  toggle.addEventListener("click", () => {
    paused = !paused;
    toggle.textContent = paused ? "Resume updates" : "Pause updates";
    idle();
    listen();
    if (!paused) refresh();
  });

  const keyOf = (node) => node.nodeType === 1 ? node.getAttribute("data-key") || node.id || null : null;
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  function merge(from, to) {
    if (from.nodeType !== 1) {
      if (from.data !== to.data) from.data = to.data;
      return;
    }
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    for (const { name, value } of [...to.attributes]) {
      if (name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    const keyed = new Map();
    for (const child of from.childNodes) if (keyOf(child)) keyed.set(keyOf(child), child);
    let here = from.firstChild;
    for (const next of [...to.childNodes]) {
      const key = keyOf(next);
      const known = key ? keyed.get(key) : here && alike(here, next) ? here : null;
      if (known && known.nodeName === next.nodeName) {
        if (known === here) here = here.nextSibling;
        else from.insertBefore(known, here);
        merge(known, next);
      } else {
        if (key) next.classList.add("fresh");
        from.insertBefore(next, here);
      }
    }
    while (here) {
      const gone = here;
      here = here.nextSibling;
      gone.remove();
    }
  }

  async function refresh() {
    again = running;
    if (paused || stopped || running || document.hidden) return;
    if (getSelection().type === "Range" && main.contains(getSelection().anchorNode)) return;
    running = true;
    asked = performance.now();
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status === 403 || answer.status === 404) {
        stopped = true;
        listen();
        say("Updates have stopped: reload the page to see why.");
        toggle.remove();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("main");
      if (!next || paused) return;
      localTimes(next);
      const html = next.innerHTML;
      if (html !== last) {
        const focused = document.activeElement;
        merge(main, next);
        if (focused && focused !== document.activeElement && main.contains(focused)) focused.focus({ preventScroll: true });
        document.title = page.title;
        last = html;
      }
      idle();
    } catch {
      say("No connection: the figures are those of the last update.");
    } finally {
      running = false;
      if (again) setTimeout(refresh, 1000);
    }
  }

  function listen() {
    const wanted = Boolean(main.dataset.news) && !paused && !stopped && !document.hidden;
    if (!wanted && source) {
      source.close();
      source = null;
    }
    if (!wanted || source) return;
    source = new EventSource(main.dataset.news);
    source.addEventListener("news", refresh);
  }
  const seldom = 60000;
  function tick() {
    const hears = source !== null && source.readyState === EventSource.OPEN;
    if (!hears || performance.now() - asked > seldom) refresh();
  }
  idle();
  listen();
  setInterval(tick, seconds * 1000);
  document.addEventListener("visibilitychange", () => {
    listen();
    refresh();
  });
  addEventListener("pagehide", () => { if (source) source.close(); });
})();
`;
