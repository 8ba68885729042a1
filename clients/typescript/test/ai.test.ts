/** The real AI SDK, in three of its versions, with a model that Pointsman chooses anew for each call. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createOpenAICompatible as create6 } from "@ai-sdk/openai-compatible";
import * as sdk6 from "ai";
import * as sdk5 from "ai-5";
import { createOpenAICompatible as create5 } from "ai-5-openai-compatible";
import * as sdk7 from "ai-7";
import { createOpenAICompatible as create7 } from "ai-7-openai-compatible";
import { Pointsman } from "pointsman-client";
import { routed } from "pointsman-client/ai";
import { z } from "zod";

import { DECISION, http, log, service } from "./service.js";

const REAL = process.env.POINTSMAN_UNDER_TEST as string;
const UPSTREAM = process.env.UPSTREAM_UNDER_TEST as string;
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** Names of our own for two models of a provider, and what the provider was asked. */
function world(create: typeof create6) {
  const asked: any[] = [];
  const recording: typeof fetch = (url, init) => {
    asked.push(JSON.parse(String(init?.body)));
    return fetch(url, init);
  };
  const provider = create({ name: "fake", baseURL: `${UPSTREAM}/v1`, apiKey: "x", fetch: recording, includeUsage: true });
  return { asked, models: { small: provider("luna"), large: provider("opus") } };
}

const IDS = { small: "openai/gpt-5.6-luna", large: "anthropic/claude-opus-5.5" };
const client = (url: string) => new Pointsman({ url, models: IDS, timeoutMs: 30_000, log: log() });

async function outcomes(decisionId: unknown) {
  const found = (await (await fetch(`${REAL}/api/history/${decisionId}`)).json()) as { outcomes: any[]; asked: any; prompt: string };
  return found;
}

// The types of the three differ where it does not matter here; that each takes the model is checked below.
const versions: [string, typeof sdk6, typeof create6][] = [
  ["AI SDK 5", sdk5 as never, create5 as never],
  ["AI SDK 6", sdk6, create6],
  ["AI SDK 7", sdk7 as never, create7 as never],
];

for (const [name, sdk, create] of versions) {
  test(`${name}: generateText is answered by the chosen model at its effort, and usage is an outcome`, async () => {
    const { asked, models } = world(create);
    const pointsman = client(REAL);
    const model = routed(models, { pointsman, fallback: "large" });
    const result = await sdk.generateText({ model, system: "Answer in a word.", prompt: "What is 1+1?", maxOutputTokens: 500 });
    assert.equal(result.text, "It is 2.");
    const told = result.providerMetadata?.pointsman as any;
    assert.deepEqual([told.model, told.modelId, told.routed], ["small", IDS.small, true]);
    assert.deepEqual([asked[0].model, asked[0].reasoning_effort, asked[0].max_tokens], ["luna", told.effort, 500]);
    assert.ok(told.effort);
    assert.equal(await pointsman.flush(), true);
    const [kept, ...more] = (await outcomes(told.decisionId)).outcomes;
    assert.deepEqual(more, []);
    assert.deepEqual(
      [kept.model_id, kept.input_tokens, kept.cached_tokens, kept.output_tokens, kept.finish_reason, kept.source, kept.completed],
      [`${IDS.small}@${told.effort}`, 20, 8, 5, "stop", "gateway", null],
    );
    assert.ok(kept.latency_ms >= 0);
  });

  test(`${name}: streamText streams, and reports when it is done`, async () => {
    const { models } = world(create);
    const pointsman = client(REAL);
    const result = sdk.streamText({ model: routed(models, { pointsman, fallback: "large" }), prompt: "What is 1+1?" });
    let text = "";
    for await (const part of result.textStream) text += part;
    assert.equal(text, "It is 2.");
    const told = (await result.providerMetadata)?.pointsman as any;
    assert.equal(await pointsman.flush(), true);
    const [kept] = (await outcomes(told.decisionId)).outcomes;
    assert.deepEqual([kept.input_tokens, kept.output_tokens, kept.finish_reason], [20, 5, "stop"]);
  });

  test(`${name}: tools are called, and their results and images are routed, too`, async (t) => {
    const { asked, models } = world(create);
    const seen = await service(t, (path) => path.startsWith("/api/route") ? http(200, DECISION) : http(200, { results: [] }));
    const model = routed(models, { pointsman: client(seen.url), fallback: "large", request: { worth_usd: 0.1 } });
    const add = sdk.tool({ description: "Adds", inputSchema: z.object({}), execute: async () => ({ sum: 2 }) });
    const content = [{ type: "text" as const, text: "Add." }, { type: "image" as const, image: PNG, mediaType: "image/png" }];
    const result = await sdk.generateText({
      model, tools: { add }, messages: [{ role: "user", content }], stopWhen: sdk.stepCountIs(2),
      providerOptions: { pointsman: { session_id: "s1" } },
    });
    assert.deepEqual(result.steps[0]?.toolResults.map((one) => one.output), [{ sum: 2 }]);
    const [first, second] = seen.bodies("/api/route");
    assert.deepEqual([first.models, first.worth_usd, first.session_id], [Object.values(IDS), 0.1, "s1"]);
    assert.deepEqual(first.tools.map((one: any) => [one.type, one.function.name]), [["function", "add"]]);
    assert.equal(first.messages[0].content[1].image_url.url, `data:image/png;base64,${PNG}`);
    assert.deepEqual(second.messages.map((one: any) => one.role), ["user", "assistant", "tool"]);
    assert.equal(second.messages[1].tool_calls[0].id, second.messages[2].tool_call_id);
    assert.deepEqual(JSON.parse(second.messages[2].content), { sum: 2 });
    assert.deepEqual(asked.map((one) => [one.model, one.reasoning_effort]), [["luna", "low"], ["luna", "low"]]);
    // The real service takes such conversations.
    const answer = await client(REAL).route({ ...second, models: undefined }, { fallback: "none" });
    assert.equal(answer.problem, undefined);
  });

  test(`${name}: the fallback serves as it would alone where the service gives no answer`, async (t) => {
    const { asked, models } = world(create);
    const lines = log();
    for (const reply of [http(500, {}), http(200, "<html>", "text/html"), http(200, { ...DECISION, calls: [{ model_id: "acme/none" }] })]) {
      const { url } = await service(t, () => reply);
      const pointsman = new Pointsman({ url, models: IDS, timeoutMs: 30_000, log: lines });
      const result = await sdk.generateText({ model: routed(models, { pointsman, fallback: "large" }), prompt: "Hi" });
      assert.equal(result.text, "It is 2.");
      assert.equal((result.providerMetadata?.pointsman as any).routed, false);
    }
    assert.deepEqual(asked.map((one) => [one.model, "reasoning_effort" in one]), Array(3).fill(["opus", false]));
    assert.equal(lines.lines.length, 3);
  });

  test(`${name}: a model that fails is reported as failed, and the caller is told`, async () => {
    const { models } = world(create);
    const pointsman = client(REAL);
    const broken = { small: create({ name: "fake", baseURL: "http://127.0.0.1:1/v1" })("luna"), large: models.large };
    const ids: string[] = [];
    const route = pointsman.route.bind(pointsman);
    pointsman.route = async (...request) => {
      const answer = await route(...request);
      ids.push(String(answer.decisionId));
      return answer;
    };
    await assert.rejects(sdk.generateText({ model: routed(broken, { pointsman, fallback: "large" }), prompt: "What is 1+1?", maxRetries: 0 }));
    assert.equal(await pointsman.flush(), true);
    const [kept] = (await outcomes(ids[0])).outcomes;
    assert.match(kept.error, /Error/);
  });

  test(`${name}: an effort that the caller asks for stands`, async () => {
    const { asked, models } = world(create);
    const model = routed(models, { pointsman: client(REAL), fallback: "large" });
    await sdk.generateText({ model, prompt: "What is 1+1?", providerOptions: { fake: { reasoningEffort: "high" } } });
    assert.equal(asked[0].reasoning_effort, "high");
  });
}

test("what cannot be routed is refused when it is made", () => {
  const pointsman = new Pointsman();
  const { models } = world(create6);
  assert.throws(() => routed(models, { pointsman, fallback: "huge" as never }), /fallback: "huge"/);
  const mixed = { small: models.small, large: world(create5 as never).models.large };
  assert.throws(() => routed(mixed, { pointsman, fallback: "small" }), /several versions/);
});

/** Never run: each version's own functions take the model by its type. */
export const typed = () => {
  const pointsman = new Pointsman();
  return [
    () => sdk5.generateText({ model: routed({ a: create5({ name: "x", baseURL: "x" })("a") }, { pointsman, fallback: "a" }), prompt: "" }),
    () => sdk6.generateText({ model: routed({ a: create6({ name: "x", baseURL: "x" })("a") }, { pointsman, fallback: "a" }), prompt: "" }),
    () => sdk7.generateText({ model: routed({ a: create7({ name: "x", baseURL: "x" })("a") }, { pointsman, fallback: "a" }), prompt: "" }),
  ];
};
