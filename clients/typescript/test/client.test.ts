/** Whatever the service does, the caller's request goes on; what is reported is what happened. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { type Models, NamesError, Pointsman, PointsmanError, usageOf } from "pointsman-client";

import { Trouble } from "../dist/trouble.js";
import { DECISION, http, keeping, log, type Reply, service } from "./service.js";

const FALLBACK = "my/own-model";
const MESSAGES = [{ role: "user", content: "What is 1+1?" }];
const REAL = process.env.POINTSMAN_UNDER_TEST as string;

test("an answer says what to call and what next", async (t) => {
  const { url, bodies } = await service(t);
  const answer = await new Pointsman({ url, fallback: FALLBACK, timeoutMs: 5_000 }).route({ messages: MESSAGES });
  assert.equal(answer.routed, true);
  assert.deepEqual([answer.model, answer.effort, answer.request], ["openai/gpt-5.6-luna", "low", { reasoning_effort: "low" }]);
  assert.deepEqual([answer.pComplete, answer.costUsd, answer.decisionId], [0.9, 0.0005, DECISION.id]);
  assert.deepEqual(answer.fallbacks.map((one) => [one.model, one.pComplete]), [["acme/other", 0.8]]);
  assert.deepEqual(bodies("/api/route"), [{ messages: MESSAGES }]);
});

const BAD: Record<string, [Reply, string]> = {
  "silent": [() => {}, "slow"],
  "a byte at a time": [(socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 600\r\n\r\n");
    const timer = setInterval(() => socket.destroyed ? clearInterval(timer) : socket.write(" "), 20);
  }, "slow"],
  "hangs up": [(socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"), "unreachable"],
  "429": [http(429, { detail: "too many" }), "busy"],
  "500": [http(500, { detail: "no" }), "failing"],
  "502 of a proxy": [http(502, "<html>Bad Gateway</html>", "text/html"), "failing"],
  "HTML": [http(200, "<html>Sign in</html>", "text/html"), "unreadable"],
  "no JSON": [http(200, '{"calls": ['), "unreadable"],
  "elsewhere": [http(302, "", "text/plain", { location: "https://example.com/" }), "unreadable"],
  "not a document": [http(200, [1, 2]), "unreadable"],
  "nothing": [http(200, {}), "unreadable"],
  "no calls": [http(200, { ...DECISION, calls: [] }), "unreadable"],
  "calls of another kind": [http(200, { ...DECISION, calls: [{ model: 5 }] }), "unreadable"],
  "deep": [http(200, "[".repeat(100_000) + "]".repeat(100_000)), "unreadable"],
  "endless": [(socket) => {
    socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n");
    for (let part = 0; part < 10; part += 1) socket.write(" ".repeat(2 ** 20));
  }, "unreadable"],
  "not allowed": [http(401, { message: "Unauthorized" }), "refused"],
  "an old service": [http(404, { detail: "Not Found" }), "refused"],
  "not HTTP": [(socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n"), "unreachable"],
};

for (const [name, [reply, kind]] of Object.entries(BAD)) {
  test(`the request goes on with its fallback and the reason is logged once: ${name}`, async (t) => {
    const { url, bodies } = await service(t, () => reply);
    const lines = log();
    const patient = kind === "slow" ? 200 : 10_000;
    const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: patient, restMs: 0, log: lines });
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await pointsman.route({ messages: MESSAGES });
      assert.deepEqual([answer.model, answer.routed, answer.decisionId, answer.request], [FALLBACK, false, undefined, {}]);
      assert.equal(answer.problem?.kind, kind);
      assert.equal(pointsman.outcome(answer, { completed: true }), false);
    }
    assert.equal(await pointsman.flush(), true);
    assert.equal(lines.lines.length, 1);
    assert.deepEqual(bodies("/api/outcomes"), []);
    await assert.rejects(pointsman.predict({ prompt: "Hi" }), PointsmanError);
    await assert.rejects(pointsman.models({ timeoutMs: patient }), PointsmanError);
  });
}

test("a service that is not there is left alone after three failures", async () => {
  const lines = log();
  const pointsman = new Pointsman({ url: "http://127.0.0.1:1", fallback: FALLBACK, timeoutMs: 10_000, log: lines });
  const kinds = [];
  for (let turn = 0; turn < 5; turn += 1) kinds.push((await pointsman.route({ prompt: "Hi" })).problem?.kind);
  assert.deepEqual(kinds, ["unreachable", "unreachable", "unreachable", "resting", "resting"]);
  assert.equal(lines.lines.length, 1);
});

test("a reason is said again only after all was well and ten minutes passed", () => {
  let now = 0;
  const lines = log();
  const trouble = new Trouble("it", 5_000, lines, () => now);
  const failed = (ms: number) => ((now += ms), trouble.failed({ kind: "refused", detail: "no" }), lines.lines.length);
  assert.deepEqual([failed(0), failed(1), failed(700_000)], [1, 1, 1]);
  trouble.well(); // which is said, too
  assert.deepEqual([failed(1), lines.lines[1]], [3, "info it routes again."]);
  trouble.well();
  assert.equal(failed(1), 4);
});

test("a service that asks for a pause gets one", async (t) => {
  const { url, requests } = await service(t, () => http(429, {}, undefined, { "retry-after": "30" }));
  const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: 10_000, log: log() });
  for (let turn = 0; turn < 3; turn += 1) assert.equal((await pointsman.route({ prompt: "Hi" })).model, FALLBACK);
  assert.equal(requests.length, 1);
});

test("a caller that stops waiting gets its fallback, and the service is not blamed", async (t) => {
  const { url } = await service(t, () => () => {});
  const lines = log();
  const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: 60_000, log: lines });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  assert.equal((await pointsman.route({ prompt: "Hi" }, { signal: stop.signal })).problem?.kind, "aborted");
  assert.equal((await pointsman.route({ prompt: "Hi" }, { signal: stop.signal })).problem?.kind, "aborted");
  assert.deepEqual(lines.lines, []);
});

test("older and newer services are understood as far as they can be", async (t) => {
  let document: object = { id: "x", selected: ["acme/old"], expected_quality: "high", cost: null };
  const { url } = await service(t, () => http(200, document));
  const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: 10_000 });
  const old = await pointsman.route({ prompt: "Hi" });
  assert.deepEqual([old.routed, old.model, old.effort, old.pComplete, old.fallbacks], [true, "acme/old", undefined, undefined, []]);
  const call = { model_id: "acme/new@low", effort: "low", request: { x: 1 }, region: "moon" };
  document = { ...DECISION, calls: [call], fallbacks: [5, {}, call], session: [], mood: { a: 1 } };
  const later = await pointsman.route({ prompt: "Hi" });
  assert.deepEqual([later.model, later.fallbacks.map((one) => one.model), later.raw.mood], ["acme/new", ["acme/new"], { a: 1 }]);
});

test("models are told in the caller's names and only those that it has", async (t) => {
  const documents: object[] = [DECISION, { ...DECISION, calls: [{ model_id: "acme/none" }] }, DECISION];
  const { url, bodies } = await service(t, () => http(200, documents.shift()));
  const models = { fast: "openai/gpt-5.6-luna@low", strong: "acme/strong" };
  const pointsman = new Pointsman({ url, fallback: "strong", models, timeoutMs: 10_000, log: log() });
  const answer = await pointsman.route({ prompt: "Hi" });
  assert.deepEqual(bodies("/api/route")[0].models, ["openai/gpt-5.6-luna@low", "acme/strong"]);
  assert.deepEqual([answer.model, answer.modelId, answer.fallbacks], ["fast", "openai/gpt-5.6-luna", []]);
  const stranger = await pointsman.route({ prompt: "Hi" });
  assert.deepEqual([stranger.model, stranger.problem?.kind], ["strong", "no_such_model"]);
  // And where it is named for one request alone.
  const narrowed = await pointsman.route({ prompt: "Hi", models: ["strong"] });
  assert.deepEqual([narrowed.model, narrowed.problem?.kind], ["strong", "no_such_model"]);
});

test("a map of names with two meanings is refused when it is made", () => {
  for (const models of [{ a: "acme/x", b: "acme/x" }, { a: "acme/x", b: "Acme/X " }, { a: "" }, [5]] as Models[]) {
    assert.throws(() => new Pointsman({ models }), NamesError);
  }
});

test("a model that the service does not know is left out for a while", async (t) => {
  const error = { field: "models.1", message: "unknown model", value: "acme/unheard" };
  const { url, bodies } = await service(t, (_, body) => body.models.includes("acme/unheard")
    ? http(422, { type: "urn:pointsman:problem:unknown-model", detail: "no", errors: [error] })
    : http(200, DECISION));
  const lines = log();
  const models = { a: "openai/gpt-5.6-luna", b: "acme/unheard" };
  const pointsman = new Pointsman({ url, fallback: "b", models, timeoutMs: 10_000, log: lines });
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await pointsman.route({ prompt: "Hi" })).model, "a");
  assert.deepEqual(bodies("/api/route").map((body) => body.models.length), [2, 1, 1]);
  assert.match(lines.lines.join("\n"), /knows no acme\/unheard/);
  assert.equal((await pointsman.route({ prompt: "Hi", models: ["b"] })).problem?.kind, "refused");
});

test("what is wrong in the call itself is said", async () => {
  const pointsman = new Pointsman({ fallback: FALLBACK });
  await assert.rejects(pointsman.route({}), /one of prompt/);
  await assert.rejects(pointsman.route({ prompt: "a", messages: MESSAGES }), /one of prompt/);
  await assert.rejects(new Pointsman().route({ prompt: "Hi" }), /fallback: missing/);
  await assert.rejects(pointsman.route({ prompt: "Hi" }, { timeoutMs: 0 }), /timeoutMs/);
  assert.throws(() => new Pointsman({ url: "localhost:8080" }), /url/);
  assert.throws(() => new Pointsman({ timeoutMs: NaN }), /timeoutMs/);
});

test("a conversation that is no JSON is no reason to fail", async () => {
  const answer = await new Pointsman({ fallback: FALLBACK, log: log() }).route({ messages: [{ role: "user", content: 5n }] });
  assert.deepEqual([answer.model, answer.problem?.kind], [FALLBACK, "refused"]);
});

test("reports are sent in batches of who served", async (t) => {
  const { url, bodies } = await service(t, keeping);
  const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: 10_000 });
  const answer = await pointsman.route({ prompt: "Hi" });
  const usage = { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 6 } };
  assert.equal(pointsman.outcome(answer, { usage, completed: true, source: "user" }), true);
  assert.equal(pointsman.outcome(answer, { model: answer.fallbacks[0], error: "x".repeat(900) }), true);
  assert.equal(pointsman.outcome(answer, { model: "acme/other", latency_ms: 12 }), true);
  assert.equal(pointsman.outcome(answer, {}), false);
  assert.equal(await pointsman.close(), true);
  assert.equal(pointsman.outcome(answer, { completed: true }), false);
  const [first, second, third] = bodies("/api/outcomes").flatMap((body) => body.outcomes);
  assert.deepEqual(first, {
    id: DECISION.id, model_id: "openai/gpt-5.6-luna@low", input_tokens: 10, cached_tokens: 6, output_tokens: 4,
    completed: true, source: "user",
  });
  assert.deepEqual([second.model_id, second.error.length, third.model_id], ["acme/other", 500, "acme/other"]);
});

test("a report that makes no sense is refused before it is sent", () => {
  const pointsman = new Pointsman({ fallback: FALLBACK });
  const wrong = { input_tokens: -1, cost_usd: NaN, score: 2, completed: "yes" as never, source: "me" as never };
  for (const [name, value] of Object.entries(wrong)) {
    assert.throws(() => pointsman.outcome(DECISION.id, { model: "acme/x", [name]: value }), new RegExp(`^TypeError: ${name}`));
  }
  assert.throws(() => pointsman.outcome(DECISION.id, { completed: true }), /model/);
});

test("reports wait while the service is away, and one bad one does not lose the others", async (t) => {
  let away = 1;
  const taken: string[] = [];
  const { url } = await service(t, (path, body) => {
    if (path.startsWith("/api/outcomes")) {
      if (away-- > 0) return http(503, {});
      if (body.outcomes.some((one: any) => one.error === "bad")) return http(422, { detail: "bad" });
      taken.push(...body.outcomes.map((one: any) => one.error));
    }
    return keeping(path, body);
  });
  const pointsman = new Pointsman({ url, fallback: FALLBACK, timeoutMs: 10_000, log: log() });
  const answer = await pointsman.route({ prompt: "Hi" });
  for (const error of ["a", "bad", "c"]) pointsman.outcome(answer, { error });
  assert.equal(await pointsman.flush(50), false);
  assert.equal(await pointsman.flush(30_000), true);
  assert.deepEqual(taken, ["a", "c"]);
});

test("a program that ends sends what waits", async (t) => {
  const { url, bodies } = await service(t, keeping);
  const code = `import { Pointsman } from "pointsman-client";
    new Pointsman({ url: "${url}" }).outcome("${DECISION.id}", { model: "acme/x", completed: true });`;
  const { spawn } = await import("node:child_process");
  const ended = new Promise((resolve) => spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" }).on("exit", resolve));
  assert.equal(await ended, 0);
  assert.deepEqual(bodies("/api/outcomes").map((body) => body.outcomes[0].completed), [true]);
});

test("a program that ends does not wait for a service that is away", () => {
  const code = `import { Pointsman } from "pointsman-client";
    const log = { warn() {}, info() {} };
    new Pointsman({ url: "http://127.0.0.1:1", log }).outcome("${DECISION.id}", { model: "acme/x", completed: true });`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], { timeout: 60_000 });
  assert.equal(done.status, 0, done.stderr.toString());
});

test("usage is read as providers write it", () => {
  const anthropic = { input_tokens: 5, output_tokens: 7, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
  assert.deepEqual(usageOf(anthropic), { input_tokens: 125, cached_tokens: 100, output_tokens: 7 });
  const responses = { input_tokens: 5, output_tokens: 7, input_tokens_details: { cached_tokens: 3 } };
  assert.deepEqual(usageOf(responses), { input_tokens: 5, cached_tokens: 3, output_tokens: 7 });
  const sdk = { inputTokens: 5, outputTokens: 7, inputTokenDetails: { cacheReadTokens: 3 } };
  assert.deepEqual(usageOf(sdk), { input_tokens: 5, cached_tokens: 3, output_tokens: 7 });
  for (const nothing of [{ total: 5 }, undefined, null, 5]) assert.deepEqual(usageOf(nothing), {});
});

test("the real service answers and keeps what is reported", async () => {
  const models = { small: "gpt-5.6-luna", large: "anthropic/claude-opus-5.5", none: "acme/unheard" };
  const pointsman = new Pointsman({ url: REAL, fallback: "large", models, timeoutMs: 30_000, log: log() });
  const answer = await pointsman.route({ messages: MESSAGES, session_id: "s1" }, { detail: "full" });
  assert.deepEqual([answer.model, answer.modelId, answer.sessionId], ["small", "openai/gpt-5.6-luna", "s1"]);
  assert.ok(["small", "large", `small@${answer.effort}`].every((name) => name in answer.candidates));
  assert.equal(pointsman.outcome(answer, { usage: { input_tokens: 9, output_tokens: 3 }, completed: true, source: "test" }), true);
  assert.equal(await pointsman.flush(), true);
  const kept = (await (await fetch(`${REAL}/api/history/${answer.decisionId}`)).json()) as { outcomes: any[] };
  assert.deepEqual(
    kept.outcomes.map((one) => [one.model_id, one.completed, one.output_tokens]),
    [[`openai/gpt-5.6-luna@${answer.effort}`, true, 3]],
  );
  const unknown = await pointsman.route({ prompt: "Hi", config: "nope" });
  assert.deepEqual([unknown.model, unknown.problem?.status], ["large", 422]);
});

test("the real service's answers are by the names that were asked with", async () => {
  const pointsman = new Pointsman({ url: REAL, fallback: FALLBACK, timeoutMs: 30_000 });
  const asked = await pointsman.route({ prompt: "Hi", models: ["gpt-5.6-luna"] });
  assert.deepEqual([asked.model, asked.routed], ["gpt-5.6-luna", true]);
  const predicted = await pointsman.predict({ prompt: "Hi", models: ["gpt-5.6-luna", "anthropic/claude-opus-5.5"] });
  for (const name of ["gpt-5.6-luna", "anthropic/claude-opus-5.5"]) assert.ok((predicted[name]?.pComplete ?? 0) > 0.5, name);
  const known = await pointsman.models();
  assert.ok(known.some((one) => one.model_id === "openai/gpt-5.6-luna"));
});
