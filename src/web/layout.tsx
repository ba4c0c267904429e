import { html, raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { HtmlEscapedString } from "hono/utils/html";
import { assetVersion } from "./assets/index.ts";
import { markSvg } from "./assets/mark.ts";

export type NavItem = { href: string; text: string; current?: boolean };

/** Who looks at the page: shown with a log-out button. */
type Viewer = { text: string; logoutPath: string };

export type LayoutProps = {
  /** Shown in the tab, before the name of the site. */
  title: string;
  /** Name at the top left and its target; the cooperative's home by default. */
  brand?: { text: string; href: string };
  nav?: NavItem[];
  viewer?: Viewer | null;
  /** The page fetches itself again every so many seconds and merges the change in place. */
  liveSeconds?: number;
  /** Where the page hears that there is news; then it asks by itself only now and then. */
  newsPath?: string | undefined;
  footer?: Child;
  children?: Child;
};

/** Without scripts a page reloads whole, so it does that less often. */
const RELOAD_SECONDS = 60;
const HOME = { text: "Atmosphere Mail", href: "/" };

/** The whole document of a page, with doctype. Needs `assets()` mounted at `/assets`; no inline style or script. */
export function layout(props: LayoutProps): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>${<Document {...props} />}`;
}

function Document(props: LayoutProps) {
  const { title, brand = HOME, nav = [], viewer, liveSeconds, newsPath, footer, children } = props;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{title === brand.text ? title : `${title} · ${brand.text}`}</title>
        <link rel="preload" href="/assets/text.woff2" as="font" type="font/woff2" crossorigin="" />
        <link rel="stylesheet" href={`/assets/style.css?v=${assetVersion}`} />
        <link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />
        <script src={`/assets/page.js?v=${assetVersion}`} defer></script>
        {liveSeconds ? (
          <noscript>
            <meta http-equiv="refresh" content={String(RELOAD_SECONDS)} />
          </noscript>
        ) : null}
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header class="masthead">
          <div class="frame">
            <a class="brand" href={brand.href}>
              {raw(markSvg("currentColor").replace("<svg ", '<svg aria-hidden="true" '))}
              {brand.text}
            </a>
            {nav.length > 0 ? (
              <nav aria-label="Pages">
                <ul>
                  {nav.map((item) => (
                    <li>
                      <a href={item.href} aria-current={item.current ? "page" : undefined}>
                        {item.text}
                      </a>
                    </li>
                  ))}
                </ul>
              </nav>
            ) : null}
            {viewer ? (
              <form class="viewer" method="post" action={viewer.logoutPath}>
                <span>{viewer.text}</span>
                <button type="submit">Log out</button>
              </form>
            ) : null}
          </div>
        </header>
        <main
          id="content"
          tabindex={-1}
          data-live={liveSeconds ? String(liveSeconds) : undefined}
          data-news={liveSeconds ? newsPath : undefined}
        >
          <div class="frame">{children}</div>
        </main>
        <footer class="colophon">
          <div class="frame">
            {footer ?? <p>A cooperative of independent atproto operators. It belongs to its members.</p>}
            {liveSeconds ? (
              <p class="live">
                <span id="live-status" role="status"></span>
                <button type="button" id="live-toggle">
                  Pause updates
                </button>
              </p>
            ) : null}
          </div>
        </footer>
      </body>
    </html>
  );
}
