import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, estimatedTokens } from "../../web/decide/tokens.js";

test("words, the letters beyond the fourth, digits and signs are told apart", () => {
  const found = counted("Derive x1, now!");
  assert.deepEqual([found.word, found.letter, found.digit, found.sign], [3, 2, 1, 2]);
});

test("scripts without spaces are counted by character", () => {
  const found = counted("你好かなㄱ안녕 привет");
  assert.equal(found.ideograph, 2);
  assert.equal(found.syllable, 4);
  assert.equal(found.other, 7);
});

test("a pair of surrogates is one sign", () => assert.equal(counted("🙂").sign, 1));

test("nothing is no token, and more text is never fewer", () => {
  assert.equal(estimatedTokens(""), 0);
  assert.equal(estimatedTokens(" \n\t"), 0);
  let before = 0;
  for (let n = 1; n < 40; n += 1) {
    const now = estimatedTokens("word ".repeat(n));
    assert.ok(now >= before);
    before = now;
  }
});

test("a long text is told by its head and tail, in proportion", () => {
  const part = "The quick brown fox jumps over the lazy dog. ";
  const short = estimatedTokens(part.repeat(1000));
  const long = estimatedTokens(part.repeat(10_000));
  assert.ok(Math.abs(long / short - 10) < 0.05, `${long} is not ten times ${short}`);
  const tail = estimatedTokens("a ".repeat(50_000) + "你".repeat(100_000));
  assert.ok(tail > estimatedTokens("a ".repeat(100_000)) * 0.8);
});
