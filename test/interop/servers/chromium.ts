import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { Server } from "./process.ts";

export interface Visit {
  /** Viewport width in CSS pixels; 1280 unless told, 390 is a phone. */
  width?: number;
  height?: number;
  dark?: boolean;
  /** false turns scripts off. */
  javascript?: boolean;
  /** IANA name of the reader's time zone; the machine's unless told. */
  zone?: string;
  /** Cookies for the URL's origin, by name. */
  cookies?: Record<string, string>;
}

/** What a page did and looked like, besides its picture. */
export interface Shot {
  status: number;
  title: string;
  /** The text that a reader sees. */
  text: string;
  /** True when the page is wider than the viewport and scrolls sideways. */
  overflows: boolean;
  /** Script errors and console errors, a failed request among them. */
  errors: string[];
}

export interface Chromium extends Server {
  /** Loads the page, writes a full-page PNG to `path` and tells what was there. */
  screenshot(url: string, options: Visit & { path: string }): Promise<Shot>;
  /** Runs `act` on a page in a fresh context (own cookies); the context is closed afterwards. */
  visit<T>(url: string, options: Visit, act: (page: Page, context: BrowserContext) => Promise<T>): Promise<T>;
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A name that is not on this machine is not looked up.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

/** Debian's Chromium, headless, with a profile of its own. `hosts` maps further names to 127.0.0.1. */
export async function startChromium(options: { hosts?: string[] } = {}): Promise<Chromium> {
  const mapped = (options.hosts ?? []).map((host) => `MAP ${host} 127.0.0.1, `).join("");
  const args = flags.map((flag) => flag.replace("rules=", `rules=${mapped}`));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args });
  const visit: Chromium["visit"] = async (url, how, act) => {
    const context = await open(browser, url, how);
    try {
      return await act(await context.newPage(), context);
    } finally {
      await context.close();
    }
  };
  const stop = () => browser.close();
  return {
    visit,
    screenshot: (url, { path, ...how }) =>
      visit(url, how, async (page) => {
        const errors: string[] = [];
        page.on("pageerror", (error) => errors.push(String(error)));
        page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
        const response = await page.goto(url, { waitUntil: "load" });
        await page.screenshot({ path, fullPage: true });
        const overflows = await page.evaluate(
          "document.documentElement.scrollWidth > document.documentElement.clientWidth",
        );
        return {
          status: response?.status() ?? 0,
          title: await page.title(),
          text: await page.innerText("body"),
          overflows: overflows === true,
          errors,
        };
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function open(browser: Browser, url: string, how: Visit): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: how.width ?? 1280, height: how.height ?? 900 },
    colorScheme: how.dark === true ? "dark" : "light",
    javaScriptEnabled: how.javascript ?? true,
    ignoreHTTPSErrors: true,
    ...(how.zone !== undefined && { timezoneId: how.zone }),
  });
  const cookies = Object.entries(how.cookies ?? {}).map(([name, value]) => ({ name, value, url }));
  if (cookies.length > 0) await context.addCookies(cookies);
  return context;
}
