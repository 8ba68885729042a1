/**
 * One request to the service, and what its answer is: what JSON it is, or why it cannot be used.
 *
 * What always holds: whoever asks waits no longer than the time-out, whatever the service does with its connection.
 */
import { isRecord, type Kind, PointsmanError, type Problem } from "./answer.js";

const MOST_ANSWER_BYTES = 8 * 2 ** 20;

/** How the service is reached. */
export interface Service {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
}

/** What the service answered; `document` is undefined where a refusal is no JSON. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly document: unknown;
}

/** What bounds a request in time. */
export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ask; a body is sent by POST. Throws PointsmanError. */
export async function ask(
  service: Service, path: string, patience: Patience, body?: unknown, headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const sent = body === undefined ? {} : { method: "POST", body: written(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const stop = new AbortController();
  const { timeoutMs, signal } = patience;
  const giveUp = () => stop.abort();
  const timer = setTimeout(giveUp, timeoutMs);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    const all = { ...service.headers, ...type, ...headers };
    const response = await service.fetch(service.url + path, { ...sent, headers: all, redirect: "manual", signal: stop.signal });
    return { status: response.status, headers: response.headers, document: parsed(response, await bytesOf(response)) };
  } catch (error) {
    if (error instanceof PointsmanError) throw error;
    if (signal?.aborted) throw failure("aborted", "the caller's signal stopped it");
    if (stop.signal.aborted) throw failure("slow", `no answer within ${timeoutMs} ms`);
    throw failure("unreachable", described(error));
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** The error that a refusal is. */
export function refusal({ status, headers, document }: Reply): PointsmanError {
  const kind: Kind = status === 429 ? "busy" : status >= 500 ? "failing" : status >= 400 ? "refused" : "unreadable";
  const problem: Problem = { kind, status, detail: `the service answers ${status}: ${detailOf(document)}` };
  const after = headers.get("retry-after") ?? "";
  const asksForPause = (kind === "busy" || kind === "failing") && /^\d{1,8}$/.test(after);
  return new PointsmanError(problem, asksForPause ? Number(after) * 1000 : undefined);
}

/** Why the service refused, in its own words. */
export function detailOf(document: unknown): string {
  const told = isRecord(document) ? document : {};
  const found = [told.detail, told.title, told.message, told.error].find(Boolean);
  return found === undefined ? "and does not say why" : String(found).slice(0, 500);
}

const failure = (kind: Kind, detail: string) => new PointsmanError({ kind, detail });

function written(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    throw failure("refused", `the request is no JSON: ${described(error)}`);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const reader = response.body?.getReader(); reader !== undefined; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    if (length > MOST_ANSWER_BYTES) {
      await reader.cancel();
      throw failure("unreadable", "the answer is longer than 8 MiB");
    }
  }
  const whole = new Uint8Array(length);
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}

function parsed(response: Response, content: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  } catch {
    if (response.status !== 200) return undefined;
    throw failure("unreadable", `the answer is not JSON (${response.headers.get("content-type") ?? "of no type"})`);
  }
}

/** An error in a line; what `fetch` fails with stands in its cause. */
export function described(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause ? `${String(cause.code)}: ` : "";
  return `${code}${cause.message || cause.name}`;
}
