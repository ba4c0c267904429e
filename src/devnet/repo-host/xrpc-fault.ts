import { HTTPException } from "hono/http-exception";

/** An answer of XRPC that is no success; thrown, and answered by `onError`. */
export function xrpcFault(status: 400 | 401 | 403, error: string, message: string): HTTPException {
  return new HTTPException(status, { res: Response.json({ error, message }, { status }) });
}
