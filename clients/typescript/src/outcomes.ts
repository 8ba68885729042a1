/**
 * What happened with a model, as it is reported, and the usage objects of providers.
 *
 * What always holds: an outcome that is made is one that the service takes; what is wrong is told to whoever reports it.
 */
import type { components } from "./api.js";
import { given, isRecord } from "./answer.js";

/** What happened, in the words of the API (`POST /api/outcomes`). */
export type Outcome = Omit<components["schemas"]["OutcomeRequest"], "model_id">;
export type BatchedOutcome = components["schemas"]["BatchedOutcome"];

const COUNTS = ["input_tokens", "cached_tokens", "output_tokens"] as const;
const MEASURES = ["latency_ms", "cost_usd", "score"] as const;
const SOURCES = ["user", "judge", "test", "gateway"];

/** The outcome as it goes over the wire; undefined where nothing is said in it. Throws TypeError naming the field. */
export function outcomeOf(id: string, modelId: string, usage: unknown, fields: Outcome): BatchedOutcome | undefined {
  const told = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
  const said = { ...usageOf(usage), ...told } as Outcome;
  for (const name of COUNTS) {
    const value = said[name] ?? 0;
    if (!Number.isInteger(value) || value < 0) throw wrong(name, value, "a whole number of at least 0");
  }
  for (const name of MEASURES) {
    const value = said[name] ?? 0;
    if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw wrong(name, value, "a number of at least 0");
  }
  if ((said.score ?? 0) > 1) throw wrong("score", said.score, "from 0 to 1");
  if (typeof (said.completed ?? true) !== "boolean") throw wrong("completed", said.completed, "true or false");
  if (!SOURCES.includes(said.source ?? "user")) throw wrong("source", said.source, `one of ${SOURCES.join(", ")}`);
  if (said.finish_reason) said.finish_reason = String(said.finish_reason).slice(0, 64);
  if (said.error) said.error = String(said.error).slice(0, 500);
  // A provider that counts cached tokens apart; the total is what is known.
  if ((said.cached_tokens ?? 0) > (said.input_tokens ?? Infinity)) delete said.cached_tokens;
  return Object.keys(said).some((name) => name !== "source") ? { id, model_id: modelId, ...said } : undefined;
}

const wrong = (name: string, value: unknown, what: string) =>
  new TypeError(`${name}: ${JSON.stringify(value) ?? String(value)} is not ${what}.`);

/**
 * Tokens of a usage object of OpenAI (chat, Responses), Anthropic or the AI SDK (its results, and its models' of every
 * version); cached ones are part of the input.
 */
export function usageOf(usage: unknown): Pick<Outcome, (typeof COUNTS)[number]> {
  let [input, output] = [count(usage, "prompt_tokens"), count(usage, "completion_tokens")];
  let cached = count(field(usage, "prompt_tokens_details"), "cached_tokens");
  if (input === undefined && output === undefined) {
    [input, output] = [count(usage, "input_tokens"), count(usage, "output_tokens")];
    cached = count(field(usage, "input_tokens_details"), "cached_tokens");
    const [kept, loaded] = [count(usage, "cache_read_input_tokens"), count(usage, "cache_creation_input_tokens")];
    if (input !== undefined && (kept !== undefined || loaded !== undefined)) {
      [input, cached] = [input + (kept ?? 0) + (loaded ?? 0), kept ?? 0]; // Anthropic counts them beside the input
    }
  }
  if (input === undefined && output === undefined) {
    const [read, written] = [field(usage, "inputTokens"), field(usage, "outputTokens")];
    input = count(usage, "inputTokens") ?? count(read, "total");
    output = count(usage, "outputTokens") ?? count(written, "total");
    cached = count(read, "cacheRead") ?? count(field(usage, "inputTokenDetails"), "cacheReadTokens") ??
      count(usage, "cachedInputTokens");
  }
  return given({ input_tokens: input, cached_tokens: cached, output_tokens: output });
}

const field = (thing: unknown, name: string): unknown => (isRecord(thing) ? thing[name] : undefined);

function count(thing: unknown, name: string): number | undefined {
  const value = field(thing, name);
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}
