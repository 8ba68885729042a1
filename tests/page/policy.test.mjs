import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, replayer } from "../../web/decide/policy.js";

const one = (model_id, mu, cost, more = {}) => ({ model_id, mu, cost, sigma: 0.1, latency_s: null, ...more });
const WEAK = one("a/weak", 0.6, 0.001);
const MIDDLE = one("b/middle", 0.8, 0.01);
const STRONG = one("c/strong", 0.95, 0.1);

const decisionOf = (candidates, more = {}) => ({ candidates, max_k: 1, fallback_quality_margin: 0.05, ...more });
const chosen = (decision, threshold, worth = null) => replayer(decision)({ threshold, worth });
const explained = (decision, threshold, worth = null) =>
  explain(chosen(decision, threshold, worth), { threshold, worth }, decision);

test("the cheapest candidate over the threshold wins", () => {
  const decision = decisionOf([STRONG, WEAK, MIDDLE]);
  assert.deepEqual(chosen(decision, 0.7).selected, ["b/middle"]);
  assert.deepEqual(chosen(decision, 0.8).selected, ["b/middle"]);
  assert.deepEqual(chosen(decision, 0.81).selected, ["c/strong"]);
  assert.deepEqual(chosen(decision, 0).selected, ["a/weak"]);
});

test("where none clears it, the cheapest within the margin of the best is taken and called a fallback", () => {
  const near = one("d/near", 0.9, 0.05);
  const decision = decisionOf([STRONG, near, MIDDLE], { fallback_quality_margin: 0.0625 });
  const found = chosen(decision, 0.99);
  assert.deepEqual([found.selected, found.reason], [["d/near"], "fallback"]);
  assert.deepEqual(chosen({ ...decision, fallback_quality_margin: 0.03 }, 0.99).selected, ["c/strong"]);
});

test("ties go to the lower latency, then fewer members, then the higher completion, then the id", () => {
  const slow = one("a/slow", 0.8, 0.01, { latency_s: 9 });
  const fast = one("b/fast", 0.8, 0.01, { latency_s: 1 });
  const unknown = one("a/unknown", 0.9, 0.01);
  assert.deepEqual(chosen(decisionOf([slow, fast, unknown]), 0.7).selected, ["b/fast"]);
  const better = one("z/better", 0.9, 0.01);
  assert.deepEqual(chosen(decisionOf([MIDDLE, better]), 0.7).selected, ["z/better"]);
  const twin = one("a/twin", 0.8, 0.01);
  assert.deepEqual(chosen(decisionOf([MIDDLE, twin]), 0.7).selected, ["a/twin"]);
  const free = one("a/free", 0.9, 0);
  assert.deepEqual(chosen(decisionOf([one("b/free", 0.9, 0), free], { max_k: 2 }), 0.7).selected, ["a/free"]);
});

test("a set completes if any member does, and costs all of them", () => {
  const decision = decisionOf([one("a/one", 0.6, 0.001), one("b/two", 0.5, 0.002), STRONG], { max_k: 2 });
  const found = chosen(decision, 0.75);
  assert.deepEqual(found.selected, ["a/one", "b/two"]);
  assert.ok(Math.abs(found.expected_quality - 0.8) < 1e-12);
  assert.ok(Math.abs(found.cost - 0.003) < 1e-12);
});

test("with caution the lower bound must clear the threshold", () => {
  const sure = one("b/sure", 0.75, 0.01, { sigma: 0.01 });
  const unsure = one("a/unsure", 0.9, 0.001, { sigma: 0.3 });
  const decision = decisionOf([sure, unsure], { caution: 1 });
  assert.deepEqual(chosen(decision, 0.7).selected, ["b/sure"]);
  assert.deepEqual(chosen({ ...decision, caution: 0 }, 0.7).selected, ["a/unsure"]);
  assert.ok(chosen(decision, 0.7).asked_quality < chosen(decision, 0.7).expected_quality);
});

test("where a request is worth something, the highest worth of its chance less its cost wins", () => {
  const decision = decisionOf([WEAK, MIDDLE, STRONG]);
  assert.deepEqual(chosen(decision, 0, 0.01).selected, ["a/weak"]);
  assert.deepEqual(chosen(decision, 0, 0.1).selected, ["b/middle"]);
  assert.deepEqual(chosen(decision, 0, 10).selected, ["c/strong"]);
  assert.deepEqual([chosen(decision, 0.9, 0.1).selected, chosen(decision, 0.9, 0.1).reason], [["c/strong"], "value"]);
  assert.match(explained(decision, 0, 0.1), /^b\/middle is worth the most of 3 candidates where .* is worth \$0\.1: 80%/);
});

test("a second of waiting costs what it is worth, and an unknown latency as much as the slowest", () => {
  const slow = one("a/slow", 0.8, 0.01, { latency_s: 10 });
  const fast = one("b/fast", 0.8, 0.02, { latency_s: 1 });
  const unknown = one("c/unknown", 0.8, 0.005);
  const decision = decisionOf([slow, fast, unknown]);
  assert.deepEqual(chosen(decision, 0, 1).selected, ["c/unknown"]);
  assert.deepEqual(chosen({ ...decision, worth_of_a_second: 0.01 }, 0, 1).selected, ["b/fast"]);
});

test("none further below the best than asked is chosen, and no set dearer than asked", () => {
  const decision = decisionOf([WEAK, MIDDLE, STRONG]);
  assert.deepEqual(chosen({ ...decision, within: 0.2 }, 0.5).selected, ["b/middle"]);
  assert.match(explained({ ...decision, within: 0.2 }, 0.5), /, at most 20 points below the best candidate\.$/);
  const pair = decisionOf([one("a/one", 0.6, 0.001), one("b/two", 0.5, 0.002), STRONG], { max_k: 2 });
  assert.deepEqual(chosen({ ...pair, max_cost_usd: 0.0025 }, 0.75).selected, ["c/strong"]);
});

test("a decision that lacks what a replay needs is not replayed", () => {
  for (const decision of [
    decisionOf([]),
    decisionOf([{ ...WEAK, mu: null }]),
    decisionOf([{ ...WEAK, cost: undefined }]),
    decisionOf([WEAK, WEAK]),
    decisionOf([WEAK], { max_k: 4 }),
    decisionOf([WEAK], { fallback_quality_margin: null }),
    decisionOf([{ ...WEAK, sigma: null }], { caution: 1 }),
    decisionOf(Array.from({ length: 47 }, (_, i) => one(`a/m${i}`, 0.5, 0.1)), { max_k: 3 }),
  ])
    assert.equal(replayer(decision), null);
});

test("the sentence says what was chosen, among how many, and how sure", () => {
  const decision = decisionOf([WEAK, MIDDLE]);
  assert.equal(
    explained(decision, 0.7),
    "b/middle is the cheapest choice of 2 candidates that clears the completion threshold: 80% expected, 70% asked for.",
  );
  assert.match(explained(decision, 0.99), /^No choice of 2 candidates clears the completion threshold of 99%; b\/middle is/);
  assert.match(explained({ ...decision, caution: 0.5 }, 0.7), /80% expected, 75% at a caution of 0\.5/);
});

test("a half is rounded to the even neighbour, as the server rounds it", () => {
  const at = (mu) => explained(decisionOf([one("a/x", mu, 1)]), 0).match(/(\d+)% expected/)[1];
  assert.deepEqual([at(0.125), at(0.375), at(0.625), at(0.875)], ["12", "38", "62", "88"]);
});
