/**
 * What a caller is told, and how it is read from what the service said.
 *
 * What always holds: a document that lacks what is needed to call a model is refused whole; anything else that it lacks
 * is undefined, and what it has beside is kept in `raw`. So older and newer services are understood as far as they can be.
 */
import { folded, type Names } from "./names.js";

/** Why the caller's own default stands. */
export type Kind =
  | "unreachable" | "slow" | "busy" | "refused" | "failing" | "unreadable" | "no_such_model" | "resting" | "closed" | "aborted";

/** Why a request was not routed: a word for programs and a sentence for people. */
export interface Problem {
  readonly kind: Kind;
  readonly detail: string;
  readonly status?: number;
}

/** How to call a model: the caller's name of it, and what to merge into the body of the call (OpenAI chat). */
export interface Call {
  readonly model: string;
  /** The service's id; undefined where the service did not choose. */
  readonly modelId?: string;
  readonly effort?: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** A model as the service saw it: P(it completes the request), its standard deviation, and USD. */
export interface Candidate extends Call {
  readonly pComplete?: number;
  readonly sd?: number;
  readonly costUsd?: number;
}

/** Which model to call. Where `routed` is false it is the caller's default and `problem` says why. */
export interface Answer extends Call {
  readonly routed: boolean;
  readonly decisionId?: string;
  /** What to call where everything before it is unavailable. */
  readonly fallbacks: readonly Candidate[];
  readonly pComplete?: number;
  readonly costUsd?: number;
  readonly reason?: string;
  readonly explanation?: string;
  readonly sessionId?: string;
  readonly recorded: boolean;
  /** By the caller's names, and by `name@effort`; there with `detail: "full"`. */
  readonly candidates: Readonly<Record<string, Candidate>>;
  readonly problem?: Problem;
  /** Everything that the service said. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** What the service said cannot be used. `afterMs` is when it wants to be asked again. */
export class PointsmanError extends Error {
  override name = "PointsmanError";
  constructor(readonly problem: Problem, readonly afterMs?: number) {
    super(problem.detail);
  }
}

/** The answer where the service has none. */
export const byDefault = (model: string, problem: Problem): Answer => ({
  model, request: {}, routed: false, recorded: false, fallbacks: [], candidates: {}, problem, raw: {},
});

/** `model@effort`, as outcomes are reported of it. */
export const candidateId = ({ modelId, effort }: Call): string | undefined =>
  modelId === undefined || effort === undefined || modelId.includes("@") ? modelId : `${modelId}@${effort}`;

/** An answer from a decision; `asked` are the candidates' ids as they were sent. Throws PointsmanError. */
export function answerOf(document: unknown, names: Names, asked: readonly string[] = []): Answer {
  if (!isRecord(document)) throw unreadable("the answer is not a JSON object");
  const selected = Array.isArray(document.selected) ? document.selected : []; // of a service from before efforts
  const calls = Array.isArray(document.calls) ? document.calls : selected.map((name) => ({ model_id: name }));
  if (calls.length === 0) throw unreadable("the answer has neither calls nor a selected model");
  const call = callOf(calls[0], names);
  if (call === undefined) throw unreadable("the first of its calls has no model_id that is text");
  if (call.model === "") {
    const detail = `${candidateId(call)} was chosen, which is none of the models that the caller has`;
    throw new PointsmanError({ kind: "no_such_model", detail });
  }
  return {
    ...call,
    routed: true,
    fallbacks: candidatesIn(document.fallbacks, names).map(([candidate]) => candidate),
    recorded: document.recorded === true,
    candidates: byName(candidatesIn(document.candidates, names, aliases(document, asked))),
    raw: document,
    ...given({
      decisionId: text(document.id),
      pComplete: number(document.expected_quality),
      costUsd: number(document.cost),
      reason: text(document.reason),
      explanation: text(document.explanation),
      sessionId: isRecord(document.session) ? text(document.session.id) : undefined,
    }),
  };
}

const unreadable = (detail: string) => new PointsmanError({ kind: "unreadable", detail });

/** The names that were asked with, by the ids that the service understood by them. */
function aliases(document: Record<string, unknown>, asked: readonly string[]): Map<string, string> {
  const ids = isRecord(document.asked) ? document.asked.models : undefined;
  if (!Array.isArray(ids) || ids.length !== asked.length) return new Map();
  return new Map(ids.flatMap((id, i) => (typeof id === "string" ? [[folded(id), asked[i] as string] as const] : [])));
}

/** A call; undefined where it names no model, and with the name "" where the caller does not have it. */
function callOf(document: unknown, names: Names, said?: string): Call | undefined {
  const named = isRecord(document) ? text(document.model_id) : undefined;
  if (named === undefined || !isRecord(document)) return undefined;
  const at = named.indexOf("@");
  const told = text(document.effort);
  const split = at > 0 && (told === undefined || told === named.slice(at + 1));
  const modelId = split ? named.slice(0, at) : named;
  const effort = split ? named.slice(at + 1) : told;
  return {
    model: names.tell(modelId, effort, said ?? text(document.model)) ?? "",
    modelId,
    request: isRecord(document.request) ? { ...document.request } : {},
    ...given({ effort }),
  };
}

/** Those that the caller can call, each with the id that it stood under. */
function candidatesIn(documents: unknown, names: Names, told = new Map<string, string>()): [Candidate, string][] {
  return (Array.isArray(documents) ? documents : []).flatMap((one: unknown): [Candidate, string][] => {
    const named = isRecord(one) ? text(one.model_id) : undefined;
    if (named === undefined || !isRecord(one)) return [];
    const said = told.get(folded(named)) ?? told.get(folded(named.split("@")[0] as string));
    const call = callOf(one, names, said);
    if (call === undefined || call.model === "") return [];
    const pComplete = number(one.mu) ?? number(one.expected_quality);
    return [[{ ...call, ...given({ pComplete, sd: number(one.sigma), costUsd: number(one.cost) }) }, named]];
  });
}

/** By name@effort, and by name: a model without an effort is its likeliest one. */
function byName(candidates: [Candidate, string][]): Record<string, Candidate> {
  const found = new Map<string, Candidate>();
  for (const [candidate] of candidates) {
    if (candidate.effort !== undefined) found.set(`${candidate.model}@${candidate.effort}`, candidate);
    const known = found.get(candidate.model);
    if (known === undefined || (candidate.pComplete ?? 0) > (known.pComplete ?? 0)) found.set(candidate.model, candidate);
  }
  return Object.fromEntries(found);
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The fields that are there. */
export function given<T extends object>(fields: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
