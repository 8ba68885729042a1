// The calls to the API. A call gives the parsed answer or throws Trouble, which holds words for a person.

import { anotherToken, currentToken, isRefusal, withToken } from "./access.js";

const WAIT_MS = 120_000;

export class Trouble extends Error {
  // `retry` says whether the same call may work later; `errors` are the server's remarks on single fields.
  constructor(message, { status = 0, retry = true, errors = [], cancelled = false } = {}) {
    super(message);
    this.status = status;
    this.retry = retry;
    this.errors = errors;
    this.cancelled = cancelled;
  }
}

export function asTrouble(error) {
  if (error instanceof Trouble) return error;
  return new Trouble(`The page could not show the answer: ${error?.message ?? error}`);
}

export async function getConfigs() {
  return (await call("api/configs", {}, (answer) => Array.isArray(answer?.configs))).configs;
}

export async function getModels() {
  return (await call("api/models", {}, (answer) => Array.isArray(answer?.models))).models;
}

// `where` holds config, model, since, until and cursor; what is empty is left out.
export function getHistory(limit, where) {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(where)) if (value) query.set(name, value);
  return call(`api/history?${query}`, {}, (answer) => Array.isArray(answer?.calls));
}

export function getDecision(id) {
  return call(`api/history/${encodeURIComponent(id)}`, {}, isDecision);
}

export function postRoute(request, signal) {
  return call("api/route", { method: "POST", body: JSON.stringify(request), signal }, isDecision);
}

export function putOutcome(id, outcome) {
  const body = JSON.stringify(outcome);
  return call(`api/history/${encodeURIComponent(id)}/outcomes`, { method: "PUT", body }, isDecision);
}

function isDecision(answer) {
  return Array.isArray(answer?.candidates) && Array.isArray(answer?.selected);
}

async function call(path, options, isWhole) {
  for (;;) {
    const used = currentToken();
    const { response, text } = await exchange(path, options, used);
    const answer = parsed(text);
    // A good token that lacks the scope is no reason to ask for another: the server says what it lacks.
    const lacksScope = answer?.type === "urn:pointsman:problem:forbidden";
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

async function exchange(path, { signal, ...options }, used) {
  const headers = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const limits = [AbortSignal.timeout(WAIT_MS), signal].filter(Boolean);
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
    if (error.name === "TimeoutError") throw new Trouble(`No answer within ${WAIT_MS / 1000} seconds.`);
    throw new Trouble(
      response
        ? "The connection ended before the whole answer had come."
        : "The server could not be reached. Check that it is running and that you are online.",
    );
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(response, answer) {
  const { status } = response;
  if (status === 429) return new Trouble(`Too many requests at once. ${pause(response)}`, { status });
  const later = status >= 500 || status === 408 || status === 425;
  const words = answer?.detail || answer?.title || answer?.message;
  if (!words) {
    return new Trouble(
      `The request failed with HTTP ${status}, without an explanation. A gateway may have answered in place of the server.`,
      { status, retry: later || status === 404 },
    );
  }
  const errors = Array.isArray(answer.errors) ? answer.errors.filter((one) => one?.message) : [];
  const from = answer.detail ? "" : ` (HTTP ${status})`;
  return new Trouble(`${words}${from}`, { status, retry: later, errors });
}

function pause(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? `Retry in ${seconds} seconds.` : "Wait a moment, then retry.";
}
