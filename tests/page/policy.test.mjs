import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, replayer } from "../../web/decide/policy.js";

const one = (model_id, mu, cost, more = {}) => ({ model_id, mu, cost, sigma: 0.1, latency_s: null, ...more });
const WEAK = one("a/weak", 0.6, 0.001);
const MIDDLE = one("b/middle", 0.8, 0.01);
const STRONG = one("c/strong", 0.95, 0.1);

const decisionOf = (candidates, more = {}) => ({ candidates, max_k: 1, fallback_quality_margin: 0.05, ...more });
const chosen = (decision, threshold) => replayer(decision)(threshold);
const explained = (decision, threshold) => explain(chosen(decision, threshold), threshold, decision);

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
