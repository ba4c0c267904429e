import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { OpenWebSocket } from "../../platform/websocket.ts";
import { readFrame, type Frame, type Label } from "../../protocol/labels/index.ts";
import { fail, messageOf, ok, type Finding } from "../doctor/probe.ts";

const PROBE = "subscribeLabels";
const TIMEOUT_MS = 10_000;
/** Ahead of every stream: the answer is one error frame, whether there are labels or not. */
const FUTURE = Number.MAX_SAFE_INTEGER;

const PROXY = `Let the proxy pass upgrades on. nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; Caddy's reverse_proxy does it by itself.`;
const OTHER =
  "Something else answers under this path: let the proxy send all of /xrpc/com.atproto.label.* to atmos.";
const REMEDIES: Record<number, string> = {
  200: PROXY,
  400: PROXY,
  404: OTHER,
  426: PROXY,
  501: OTHER,
  502: "The proxy does not reach atmos: is it running, and on the address that the proxy names?",
  503: "The proxy does not reach atmos, or all places of subscribers are taken: try again later.",
  504: "The proxy waits for atmos in vain: is it running, and on the address that the proxy names?",
};

type Heard = { frames: Frame[] } | { refused: number } | { broken: string };

/** Whether the stream reaches us through whatever stands in front, and the first labels that it carries. */
export async function probeStream(
  origin: string,
  hasLabels: boolean,
  options: { openWebSocket: OpenWebSocket; timeoutMs?: number },
): Promise<{ findings: Finding[]; labels: Label[] }> {
  const { openWebSocket, timeoutMs = TIMEOUT_MS } = options;
  const listen = (cursor: number) => {
    const url = new URL(`${origin}/xrpc/com.atproto.label.subscribeLabels?cursor=${cursor}`);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return firstFrame(() => openWebSocket(url), timeoutMs);
  };
  const future = await listen(FUTURE);
  if ("refused" in future)
    return {
      findings: [
        fail(
          PROBE,
          `the upgrade to a WebSocket is answered ${future.refused}`,
          REMEDIES[future.refused] ?? PROXY,
        ),
      ],
      labels: [],
    };
  if ("broken" in future)
    return {
      findings: [fail(PROBE, `no WebSocket opens: ${future.broken}`, `Is ${origin} reachable from here?`)],
      labels: [],
    };
  const [answer] = future.frames;
  if (answer === undefined)
    return {
      findings: [
        fail(
          PROBE,
          `the WebSocket opens, but within ${timeoutMs / 1000} s no frame comes`,
          "Something in front holds back what we send: switch off its buffering for this path.",
        ),
      ],
      labels: [],
    };
  if (answer.kind !== "error" || answer.error !== "FutureCursor")
    return {
      findings: [fail(PROBE, "a cursor ahead of the stream is not answered FutureCursor", OTHER)],
      labels: [],
    };
  const findings: Finding[] = [ok(PROBE, "the WebSocket opens, and frames come through")];
  if (!hasLabels) return { findings, labels: [] };
  const heard = await listen(0);
  const labels = "frames" in heard ? heard.frames.flatMap(labelsOf) : [];
  if (labels.length === 0)
    findings.push(
      fail(
        "stream from 0",
        "queryLabels has labels, but the stream from cursor 0 brings none",
        "Look at the log of atmos: the stream may have failed there.",
      ),
    );
  return { findings, labels };
}

function labelsOf(frame: Frame): Label[] {
  if (frame.kind !== "message" || frame.type !== "#labels") return [];
  const { labels } = frame.body;
  return Array.isArray(labels) ? (labels as Label[]) : [];
}

/** Opens, takes the first frame, and hangs up. */
function firstFrame(open: () => WebSocket, timeoutMs: number): Promise<Heard> {
  return new Promise((resolve) => {
    let ws: WebSocket;
    try {
      ws = open();
    } catch (error) {
      return resolve({ broken: messageOf(error) });
    }
    let opened = false;
    const end = (heard: Heard) => {
      clearTimeout(timer);
      resolve(heard);
      ws.terminate();
    };
    const timer = setTimeout(() => end(opened ? { frames: [] } : { broken: "no answer" }), timeoutMs);
    ws.on("open", () => (opened = true));
    ws.on("message", (data) => {
      const frame = readFrame(data as Buffer);
      end({ frames: frame ? [frame] : [] });
    });
    ws.on("unexpected-response", (_, response: IncomingMessage) =>
      end({ refused: response.statusCode ?? 0 }),
    );
    ws.on("error", (error) => end(opened ? { frames: [] } : { broken: messageOf(error) }));
    ws.on("close", () => end({ frames: [] }));
  });
}
