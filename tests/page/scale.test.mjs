import assert from "node:assert/strict";
import { test } from "node:test";

import { logScale, oddsScale } from "../../web/decide/scale.js";

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("from 90% to 99% is as far as from 50% to 91 in 100 of the odds", () => {
  const { at } = oddsScale([0.3, 0.995], 0, 1000);
  near(at(0.99) - at(0.9), at(0.9166666666666666) - at(0.5));
});

test("every share has its place between the ends, and the ends are round", () => {
  const { at, from, to, ticks } = oddsScale([0.62, 0.93], 300, 20);
  assert.deepEqual([from, to], [0.5, 0.95]);
  near(at(from), 300);
  near(at(to), 20);
  assert.ok(at(0.62) > at(0.93));
  assert.ok(ticks.includes(0.5));
  assert.ok(ticks.every((tick) => tick >= from && tick <= to));
});

test("a share outside, and certainty itself, stay on the chart", () => {
  const { at, from, to } = oddsScale([0, 1, NaN], 0, 100);
  assert.deepEqual([from, to], [0.001, 0.999]);
  near(at(0), 0);
  near(at(1), 100);
});

test("ten times the cost is the same way everywhere", () => {
  const { at } = logScale([1e-5, 1e-2], 0, 700);
  near(at(1e-4) - at(1e-5), at(1e-2) - at(1e-3));
  assert.ok(at(1e-5) > 0);
  assert.ok(at(1e-2) < 700);
});

test("what costs nothing is at the cheap end, not off the chart", () => {
  const { at } = logScale([0, 1e-4, 1e-2], 0, 700);
  near(at(0), 0);
  const free = logScale([0, 0], 0, 700);
  near(free.at(0), 0);
  assert.ok(Number.isFinite(free.at(1)));
});

test("ticks are 1, 2 and 5 on a short way, powers of ten on a long one, and never crowd", () => {
  assert.deepEqual(logScale([0.001, 0.01], 0, 700).ticks, [0.001, 0.002, 0.005, 0.01]);
  const long = logScale([1e-6, 1], 0, 700);
  assert.ok(long.ticks.every((tick) => Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9)));
  const crowded = logScale([1e-6, 1], 0, 120);
  for (let i = 1; i < crowded.ticks.length; i += 1)
    assert.ok(Math.abs(crowded.at(crowded.ticks[i]) - crowded.at(crowded.ticks[i - 1])) >= 52);
});
