// @ts-check
// The calls to the API. A call gives the parsed answer or throws Trouble, which holds words for a person.

import { anotherToken, currentToken, isRefusal, withToken } from "./access.js";

/** @typedef {import("../../build/page/api.d.ts").components["schemas"]} Schemas */
/** @typedef {Schemas["ConfigsOut"]["configs"][number]} Config */
/** @typedef {Schemas["SummaryOut"]} Call */
/** @typedef {Schemas["HistoryOut"]} Page */
/** @typedef {Schemas["OutcomeOut"]} Outcome */
/** @typedef {Schemas["RouteRequest"]} Asking What is sent to have a decision. */
/** @typedef {Omit<Schemas["RecordedDecisionOut"], "outcomes"> & {outcomes?: Outcome[]}} Decision New, or of the past. */
/**
 * @typedef {Schemas["ModelOut"] & {aliases?: string[], input_modalities?: string[], efforts?: Record<string, unknown>,
 *   default_effort?: string | null, price?: string | null, context_length?: number, utc_price_overrides?: unknown[],
 *   long_context?: {above: number}[], source_urls?: string[]}} Model With what else the registry's file says.
 */
/** @typedef {import("./trouble.js").Remark} Remark */
/** @typedef {{method?: string, body?: string, signal?: AbortSignal}} Options */
/** @typedef {{[name: string]: unknown}} Json */

const WAIT_MS = 120_000;

export class Trouble extends Error {
  // `retry` says whether the same call may work later; `errors` are the server's remarks on single fields.
  /**
   * @param {string} message
   * @param {{status?: number, retry?: boolean, errors?: Remark[], cancelled?: boolean}} more
   */
  constructor(message, { status = 0, retry = true, errors = [], cancelled = false } = {}) {
    super(message);
    this.status = status;
    this.retry = retry;
    this.errors = errors;
    this.cancelled = cancelled;
  }
}

/** @param {unknown} error */
export function asTrouble(error) {
  if (error instanceof Trouble) return error;
  return new Trouble(`The page could not show the answer: ${error instanceof Error ? error.message : error}`);
}

export async function getConfigs() {
  /** @type {(answer: unknown) => answer is Schemas["ConfigsOut"]} */
  const isWhole = (answer) => hasList(answer, "configs");
  return (await call("api/configs", {}, isWhole)).configs;
}

/** @returns {Promise<Model[]>} */
export async function getModels() {
  /** @type {(answer: unknown) => answer is {models: Model[]}} */
  const isWhole = (answer) => hasList(answer, "models");
  return (await call("api/models", {}, isWhole)).models;
}

// `where` holds config, model, since, until and cursor; what is empty is left out.
/** @param {number} limit @param {Record<string, string | null>} where */
export function getHistory(limit, where) {
  /** @type {(answer: unknown) => answer is Page} */
  const isWhole = (answer) => hasList(answer, "calls");
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(where)) if (value) query.set(name, value);
  return call(`api/history?${query}`, {}, isWhole);
}

/** @param {string} id */
export function getDecision(id) {
  return call(`api/history/${encodeURIComponent(id)}`, {}, isDecision);
}

/** @param {Asking} request @param {AbortSignal} signal */
export function postRoute(request, signal) {
  return call("api/route", { method: "POST", body: JSON.stringify(request), signal }, isDecision);
}

/** @param {string} id @param {Schemas["OutcomeRequest"]} outcome */
export function putOutcome(id, outcome) {
  const body = JSON.stringify(outcome);
  return call(`api/history/${encodeURIComponent(id)}/outcomes`, { method: "PUT", body }, isDecision);
}

/** @param {unknown} answer @returns {answer is Decision} */
function isDecision(answer) {
  return hasList(answer, "candidates") && hasList(answer, "selected");
}

/** @param {unknown} answer @param {string} name */
function hasList(answer, name) {
  return Array.isArray(fieldOf(answer, name));
}

// A field of what may be anything at all.
/** @param {unknown} answer @param {string} name @returns {unknown} */
function fieldOf(answer, name) {
  return typeof answer === "object" && answer !== null ? Reflect.get(answer, name) : undefined;
}

/**
 * @template Answer
 * @param {string} path @param {Options} options @param {(answer: unknown) => answer is Answer} isWhole
 * @returns {Promise<Answer>}
 */
async function call(path, options, isWhole) {
  for (;;) {
    const used = currentToken();
    const { response, text } = await exchange(path, options, used);
    const answer = parsed(text);
    // A good token that lacks the scope is no reason to ask for another: the server says what it lacks.
    const lacksScope = fieldOf(answer, "type") === "urn:pointsman:problem:forbidden";
    if (isRefusal(response.status) && !lacksScope) {
      if (await anotherToken(used, response.status)) continue;
      throw new Trouble("The API asks for a token, and none was given.", { status: response.status });
    }
    if (!response.ok) throw refusal(response, answer);
    if (answer === undefined || !isWhole(answer)) {
      throw new Trouble(
        `The answer is not one of Pointsman's (HTTP ${response.status}). Something between may have answered, or it was cut off.`,
        { status: response.status },
      );
    }
    return answer;
  }
}

/** @param {string} path @param {Options} options @param {string | null} used */
async function exchange(path, { signal, ...options }, used) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const limits = signal ? [AbortSignal.timeout(WAIT_MS), signal] : [AbortSignal.timeout(WAIT_MS)];
  let response;
  try {
    response = await fetch(path, {
      ...options,
      signal: AbortSignal.any(limits),
      headers: withToken(headers, used),
    });
    return { response, text: await response.text() };
  } catch (error) {
    if (signal?.aborted) throw new Trouble("Cancelled.", { cancelled: true });
    if (fieldOf(error, "name") === "TimeoutError") throw new Trouble(`No answer within ${WAIT_MS / 1000} seconds.`);
    throw new Trouble(
      response
        ? "The connection ended before the whole answer had come."
        : "The server could not be reached. Check that it is running and that you are online.",
    );
  }
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {Response} response @param {unknown} answer */
function refusal(response, answer) {
  const { status } = response;
  if (status === 429) return new Trouble(`Too many requests at once. ${pause(response)}`, { status });
  const later = status >= 500 || status === 408 || status === 425;
  const [detail, title, message, found] = ["detail", "title", "message", "errors"].map((name) => fieldOf(answer, name));
  const words = detail || title || message;
  if (!words) {
    return new Trouble(
      `The request failed with HTTP ${status}, without an explanation. A gateway may have answered in place of the server.`,
      { status, retry: later || status === 404 },
    );
  }
  /** @type {Remark[]} */
  const errors = Array.isArray(found) ? found.filter((one) => one?.message) : [];
  const from = detail ? "" : ` (HTTP ${status})`;
  return new Trouble(`${words}${from}`, { status, retry: later, errors });
}

/** @param {Response} response */
function pause(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? `Retry in ${seconds} seconds.` : "Wait a moment, then retry.";
}
