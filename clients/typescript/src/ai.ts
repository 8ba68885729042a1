/**
 * A model of Vercel's AI SDK (5, 6 and 7) that is, call by call, whichever of your own models Pointsman chooses.
 *
 *     const model = routed({ "openai/gpt-5.6-luna": openai("gpt-5.6-luna"), strong: anthropic("claude-opus-5.5") },
 *       { pointsman, fallback: "strong" });
 *     const { text } = await generateText({ model, prompt });
 *
 * What always holds: where Pointsman gives no answer, the fallback is called as it would be without us.
 */
import { type Answer, given } from "./answer.js";
import { conversationOf, type SdkCall } from "./ai-prompt.js";
import type { Pointsman, Report, RouteRequest } from "./client.js";

/** What a model of the AI SDK has, in each of its versions. */
interface SdkModel {
  readonly specificationVersion: string;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: unknown;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- its versions differ, and `routed` keeps the caller's
  doGenerate(options: any): PromiseLike<any>;
  doStream(options: any): PromiseLike<any>;
}

/** How calls are routed. */
export interface RoutedOptions<Name extends string> {
  readonly pointsman: Pointsman;
  /** Who serves where Pointsman gives no answer. */
  readonly fallback: Name;
  /** What every request asks for beside its prompt; a call adds its own as `providerOptions: { pointsman: … }`. */
  readonly request?: Omit<RouteRequest, "prompt" | "messages" | "input" | "models">;
  /** Ask a model for an effort in another way than the AI SDK's own. */
  readonly withEffort?: (effort: string, call: SdkCall, model: SdkModel) => SdkCall;
}

/**
 * A model made of yours, by the names that `pointsman` has for them, or by Pointsman's ids. Usage, latency and failures
 * are reported; `providerMetadata.pointsman` says which model it was, by which decision.
 *
 * Throws TypeError where there is no model, no such fallback, or models of several versions of the AI SDK.
 */
export function routed<Name extends string, M extends SdkModel>(
  models: Readonly<Record<Name, M>>, options: RoutedOptions<NoInfer<Name>>,
): Pick<M, keyof SdkModel> {
  const named = new Map<string, M>(Object.entries(models));
  const fallback = named.get(options.fallback);
  if (fallback === undefined) {
    throw new TypeError(`fallback: "${options.fallback}" is none of the models: ${[...named.keys()].join(", ")}.`);
  }
  const versions = new Set([...named.values()].map((model) => model.specificationVersion));
  if (versions.size > 1) throw new TypeError(`models: of several versions of the AI SDK: ${[...versions].join(", ")}.`);
  options.pointsman.names.among([...named.keys()]); // two names for one id are refused now

  async function chosen(call: SdkCall) {
    const request = { ...options.request, ...call.providerOptions?.pointsman, ...conversationOf(call), models: [...named.keys()] };
    const answer = await options.pointsman.route(request, { fallback: options.fallback, signal: call.abortSignal });
    const model = named.get(answer.model) ?? (fallback as M);
    const asking = options.withEffort ?? withEffort;
    return { answer, model, call: answer.effort === undefined ? call : asking(answer.effort, call, model) };
  }

  async function calling<T>(call: SdkCall, run: (model: M, call: SdkCall, on: Served) => PromiseLike<T>): Promise<T> {
    const made = await chosen(call);
    const served = servedBy(options.pointsman, made.answer);
    try {
      return await run(made.model, made.call, served);
    } catch (error) {
      if (!call.abortSignal?.aborted) served.report({ error: error instanceof Error ? error.name : String(error) });
      throw error;
    }
  }

  return {
    specificationVersion: fallback.specificationVersion,
    provider: "pointsman",
    modelId: "pointsman",
    supportedUrls: {}, // not every model takes every address: the SDK loads what stands behind them
    doGenerate: (call: SdkCall) => calling(call, async (model, asked, served) => {
      const result = await model.doGenerate(asked);
      served.report(finished(result));
      return { ...result, providerMetadata: { ...result.providerMetadata, ...served.metadata } };
    }),
    doStream: (call: SdkCall) => calling(call, async (model, asked, served) => {
      const result = await model.doStream(asked);
      return { ...result, stream: result.stream.pipeThrough(watching(served)) };
    }),
  } satisfies SdkModel as Pick<M, keyof SdkModel>;
}

interface Served {
  readonly metadata: object;
  report(what: Report): void;
}

function servedBy(pointsman: Pointsman, answer: Answer): Served {
  const { model, modelId, effort, decisionId, routed, problem } = answer;
  const began = performance.now();
  return {
    metadata: { pointsman: given({ model, modelId, effort, decisionId, routed, problem: problem?.kind }) },
    report(what) {
      pointsman.outcome(answer, { latency_ms: Math.round(performance.now() - began), source: "gateway", ...what });
    },
  };
}

interface Finish {
  readonly usage?: unknown;
  readonly finishReason?: string | { readonly unified: string };
}

function finished({ usage, finishReason }: Finish): Report {
  const reason = typeof finishReason === "object" ? finishReason.unified : finishReason;
  return { usage, ...given({ finish_reason: reason }) };
}

/** The stream as it is; what it ends with is reported. */
function watching(served: Served): TransformStream {
  return new TransformStream({
    transform(part, controller) {
      if (part.type === "error") served.report({ error: part.error instanceof Error ? part.error.name : "error" });
      if (part.type !== "finish") return controller.enqueue(part);
      served.report(finished(part));
      controller.enqueue({ ...part, providerMetadata: { ...part.providerMetadata, ...served.metadata } });
    },
  });
}

/** The call, asking for an effort, unless the caller did. */
export function withEffort(effort: string, call: SdkCall, model: SdkModel): SdkCall {
  if (model.specificationVersion === "v4") {
    const asked = call.reasoning !== undefined && call.reasoning !== "provider-default";
    return asked ? call : { ...call, reasoning: effort };
  }
  const provider = model.provider.split(".")[0] as string;
  const anthropic = provider === "anthropic";
  const asks = !anthropic ? { reasoningEffort: effort } : effort === "none" ? { thinking: { type: "disabled" } } : { effort };
  return { ...call, providerOptions: { ...call.providerOptions, [provider]: { ...asks, ...call.providerOptions?.[provider] } } };
}
