/** The client: asks a service, tells the caller's own model where it gives no answer, and reports what happened. */
import type { components } from "./api.js";
import {
  type Answer, answerOf, byDefault, type Call, candidateId, given, isRecord, PointsmanError,
} from "./answer.js";
import { type Models, Names } from "./names.js";
import { type Outcome, outcomeOf } from "./outcomes.js";
import { Reports } from "./reports.js";
import { type Log, Trouble } from "./trouble.js";
import { ask, described, type Patience, refusal, type Service } from "./wire.js";

/** A model of the service's registry. */
export type Model = components["schemas"]["ModelOut"];

type Dial = Omit<components["schemas"]["RouteRequest"], "prompt" | "models" | "config">;

/**
 * What `POST /api/route` takes: a prompt, or a body of OpenAI's chat or Responses, or Anthropic's messages; and beside
 * it what the API takes: `worth_usd`, `threshold`, `session_id`, `exclude`, … `models` are in the caller's names.
 */
export interface RouteRequest extends Partial<Dial> {
  prompt?: string;
  messages?: readonly unknown[];
  input?: unknown;
  models?: readonly string[];
  config?: string;
  [more: string]: unknown;
}

/** What a client is made with. */
export interface Options {
  /** Of the service; POINTSMAN_URL where it is not given, else http://127.0.0.1:8080. */
  url?: string;
  /** POINTSMAN_TOKEN where it is not given. */
  token?: string;
  /** The caller's model where the service gives no answer that can be used. */
  fallback?: string;
  /** The models that the caller has: the candidates of every request, and no other is ever answered. */
  models?: Models;
  config?: string;
  /** The longest that a request waits for an answer, connecting included. */
  timeoutMs?: number;
  /** After three failures in a row the service is not asked for so long; 0: it is asked each time. */
  restMs?: number;
  log?: Log;
  fetch?: typeof fetch;
}

/** What one call may have otherwise. */
export interface CallOptions {
  fallback?: string;
  timeoutMs?: number;
  /** `full` tells the candidates, too. */
  detail?: "brief" | "full";
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

/** What happened, and who served where it was not the chosen model. */
export interface Report extends Outcome {
  model?: Call | string;
  /** The provider's usage object (OpenAI, Anthropic, AI SDK), instead of the three counts. */
  usage?: unknown;
}

// How many names that the service does not know are left out before a request goes on without it.
const MOST_UNKNOWN = 50;
const UNKNOWN_FOR_MS = 600_000;
// Lists are asked for rarely, and nothing waits behind them.
const LISTS_TIMEOUT_MS = 10_000;

/** Asks a Pointsman service which model should serve a request. Throws TypeError where what it is made with is wrong. */
export class Pointsman {
  readonly names: Names;
  readonly #options: Options;
  readonly #timeoutMs: number;
  readonly #service: Service;
  readonly #trouble: Trouble;
  readonly #reports: Reports;
  // Names that the service does not know, and when they are asked for again: its registry may have grown.
  readonly #unknown = new Map<string, number>();
  #closed = false;

  constructor(options: Options = {}) {
    const env: Record<string, string | undefined> = (globalThis as { process?: { env: object } }).process?.env as never ?? {};
    const url = options.url || env.POINTSMAN_URL || "http://127.0.0.1:8080";
    if (!/^https?:\/\//.test(url)) throw new TypeError(`url: "${url}" is no address. Use one such as http://127.0.0.1:8080.`);
    this.#timeoutMs = checkedTimeout(options.timeoutMs ?? 500);
    this.#options = options;
    this.names = new Names(options.models);
    const token = options.token || env.POINTSMAN_TOKEN;
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const fetching = options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request));
    this.#service = { url: url.replace(/\/+$/, ""), headers: headers as Record<string, string>, fetch: fetching };
    this.#trouble = new Trouble(`Pointsman at ${url}`, options.restMs ?? 5_000, options.log ?? console);
    this.#reports = new Reports(this.#service, this.#trouble);
  }

  /**
   * Which model should serve this? The caller's default where the service does not say.
   *
   * Rejects only for what is wrong in the call itself (TypeError): no fallback, nothing to route, two names for one id.
   */
  async route(request: RouteRequest, options: CallOptions = {}): Promise<Answer> {
    const fallback = options.fallback ?? this.#options.fallback;
    if (!fallback) throw new TypeError("fallback: missing. Name the model that serves where Pointsman gives no answer.");
    const { asked, names, timeoutMs } = this.#prepared(request, options);
    if (this.#closed) return byDefault(fallback, { kind: "closed", detail: "the client is closed" });
    if (this.#trouble.resting()) {
      const detail = "the service failed before and is left alone for some seconds";
      return byDefault(fallback, { kind: "resting", detail });
    }
    try {
      const answer = await this.#asked(asked, names, { ...options, timeoutMs });
      this.#trouble.well();
      return answer;
    } catch (error) {
      // Whatever it is, it is no reason that the caller's request fails.
      const known = error instanceof PointsmanError ? error : undefined;
      const problem = known?.problem ?? { kind: "unreadable" as const, detail: described(error) };
      if (problem.kind !== "aborted") this.#trouble.failed(problem, known?.afterMs);
      return byDefault(fallback, problem);
    }
  }

  /**
   * P(each candidate completes the request), by the caller's names and by `name@effort`. The service records it as a
   * decision. Rejects with PointsmanError where the service gives none: no default stands for a probability.
   */
  async predict(request: RouteRequest, options: Omit<CallOptions, "fallback" | "detail"> = {}): Promise<Answer["candidates"]> {
    const { asked, names, timeoutMs } = this.#prepared(request, options);
    return (await this.#asked(asked, names, { ...options, timeoutMs, detail: "full" })).candidates;
  }

  /** The models that the service knows. Rejects with PointsmanError where it does not say. */
  async models(options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<Model[]> {
    const reply = await ask(this.#service, "/api/models", { timeoutMs: LISTS_TIMEOUT_MS, ...options });
    if (reply.status !== 200) throw refusal(reply);
    const found = isRecord(reply.document) ? reply.document.models : undefined;
    if (!Array.isArray(found)) throw new PointsmanError({ kind: "unreadable", detail: "the answer has no models" });
    return found as Model[];
  }

  /**
   * Say what happened, without waiting; whether there is anything to report. `answer` is what `route` gave, or a
   * decision's id (then `model` is needed). What was not routed, or not recorded, is not reported.
   *
   * Throws TypeError where a field is not what it should be.
   */
  outcome(answer: Answer | string | undefined, report: Report): boolean {
    const { model, usage, ...fields } = report;
    const routed = typeof answer === "object" ? answer : undefined;
    const id = routed === undefined ? (answer as string | undefined) : routed.decisionId;
    if (!id || (routed !== undefined && !(routed.routed && routed.recorded))) return false;
    const served = model ?? routed;
    if (served === undefined) throw new TypeError("model: a decision's id alone does not say who served. Give model.");
    const modelId = typeof served === "string" ? this.#idOf(served, routed) : candidateId(served);
    if (modelId === undefined) throw new TypeError("model: it was not chosen by the service. Give a name.");
    const outcome = outcomeOf(id, modelId, usage, fields);
    return outcome !== undefined && !this.#closed && this.#reports.add(outcome);
  }

  /** Wait until the outcomes are sent; false where they are not after so long. */
  flush(timeoutMs = 5_000): Promise<boolean> {
    return this.#reports.flush(timeoutMs);
  }

  /** Send the outcomes that wait, and end. */
  async close(timeoutMs = 2_000): Promise<boolean> {
    this.#closed = true;
    return this.flush(timeoutMs);
  }

  #prepared(request: RouteRequest, options: CallOptions) {
    const { models, config = this.#options.config, ...more } = request;
    if ([request.prompt, request.messages, request.input].filter((one) => one !== undefined).length !== 1) {
      throw new TypeError("Give one of prompt, messages and input.");
    }
    const names = this.names.among(models);
    const ids = names.ours.size > 0 ? [...names.ours.values()] : undefined;
    const timeoutMs = checkedTimeout(options.timeoutMs ?? this.#timeoutMs);
    return { asked: { ...more, ...given({ config, models: ids }) }, names, timeoutMs };
  }

  async #asked(body: { models?: string[] }, names: Names, options: CallOptions & Patience): Promise<Answer> {
    const until = performance.now() + options.timeoutMs;
    for (let tries = 0; tries < MOST_UNKNOWN; tries += 1) {
      const models = body.models?.filter((name) => (this.#unknown.get(name) ?? 0) <= performance.now());
      if (models?.length === 0) throw unknownAll(body.models ?? []);
      const patience = { signal: options.signal, timeoutMs: Math.max(1, Math.ceil(until - performance.now())) };
      const path = `/api/route?detail=${options.detail ?? "brief"}`;
      const reply = await ask(this.#service, path, patience, { ...body, ...given({ models }) }, options.headers);
      if (reply.status === 200) return answerOf(reply.document, names, models);
      const missing = unknownIn(reply.document).filter((name) => models?.includes(name));
      if (missing.length === 0) throw refusal(reply);
      for (const name of missing) this.#unknown.set(name, performance.now() + UNKNOWN_FOR_MS);
      this.#trouble.say("unknown", `knows no ${missing.join(", ")}: routed among the others`);
    }
    throw unknownAll(body.models ?? []);
  }

  /** The candidate that a name of the caller's means; of an answer, one of its calls where it is one. */
  #idOf(name: string, answer: Answer | undefined): string {
    const calls = answer === undefined ? [] : [answer, ...answer.fallbacks];
    const called = calls.find((call) => call.model === name && call.modelId !== undefined);
    return (called && candidateId(called)) ?? this.names.id(name);
  }
}

function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs < 2 ** 31) return timeoutMs;
  throw new TypeError(`timeoutMs: ${timeoutMs} is not a time. Give milliseconds, such as 500.`);
}

const unknownAll = (names: readonly string[]) =>
  new PointsmanError({ kind: "refused", detail: `the service knows none of the models: ${names.slice(0, 10).join(", ")}` });

/** The names that a problem document calls unknown. */
function unknownIn(document: unknown): string[] {
  if (!isRecord(document) || !String(document.type).includes("unknown-model")) return [];
  const errors: unknown[] = Array.isArray(document.errors) ? document.errors : [];
  return errors.flatMap((one) =>
    isRecord(one) && String(one.field).startsWith("models") && typeof one.value === "string" ? [one.value] : [],
  );
}
