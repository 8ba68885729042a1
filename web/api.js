// The calls to the API. A call gives the parsed answer or throws Trouble, which holds words for a person.

const WAIT_MS = 120_000;

export class Trouble extends Error {
  // `retry` says whether the same call may work later; `errors` are the server's remarks on single fields.
  constructor(message, { status = 0, retry = true, errors = [] } = {}) {
    super(message);
    this.status = status;
    this.retry = retry;
    this.errors = errors;
  }
}

export function asTrouble(error) {
  if (error instanceof Trouble) return error;
  return new Trouble(`The page could not show the answer: ${error?.message ?? error}`);
}

export async function getConfigs() {
  return (await call("api/configs", {}, (answer) => Array.isArray(answer?.configs))).configs;
}

export function getHistory({ limit, cursor, config }) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (config) query.set("config", config);
  if (cursor) query.set("cursor", cursor);
  return call(`api/history?${query}`, {}, (answer) => Array.isArray(answer?.calls));
}

export function getDecision(id) {
  return call(`api/history/${encodeURIComponent(id)}`, {}, isDecision);
}

export function postRoute(request) {
  const headers = { "Content-Type": "application/json" };
  return call("api/route", { method: "POST", headers, body: JSON.stringify(request) }, isDecision);
}

function isDecision(answer) {
  return Array.isArray(answer?.candidates) && Array.isArray(answer?.selected);
}

async function call(path, options, isWhole) {
  let response;
  let text;
  try {
    const signal = AbortSignal.timeout(WAIT_MS);
    response = await fetch(path, {
      ...options,
      signal,
      headers: { Accept: "application/json", ...options.headers },
    });
    text = await response.text();
  } catch (error) {
    if (error.name === "TimeoutError") throw new Trouble(`No answer within ${WAIT_MS / 1000} seconds.`);
    throw new Trouble("The server could not be reached. Check that it is running and that you are online.");
  }
  const answer = parsed(text);
  if (!response.ok) throw refusal(response.status, answer);
  if (answer === undefined || !isWhole(answer)) {
    throw new Trouble(
      `The answer is not one of Pointsman's (HTTP ${response.status}). Something between may have answered.`,
      {
        status: response.status,
      },
    );
  }
  return answer;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status, answer) {
  const later = status >= 500 || status === 408 || status === 425 || status === 429;
  const words = answer?.detail || answer?.title;
  if (!words) {
    return new Trouble(
      `The request failed with HTTP ${status}, without an explanation. A gateway may have answered in place of the server.`,
      {
        status,
      },
    );
  }
  const errors = Array.isArray(answer.errors) ? answer.errors.filter((one) => one?.message) : [];
  return new Trouble(String(words), { status, retry: later, errors });
}
