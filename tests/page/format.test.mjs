import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DASH,
  count,
  localTime,
  money,
  moneyPerThousand,
  number,
  lessOrMore,
  percent,
  plainPercent,
  price,
} from "../../web/lib/format.js";

test("what is missing is a dash, never a zero", () => {
  for (const write of [money, moneyPerThousand, price, percent, plainPercent, count]) {
    for (const nothing of [null, undefined, NaN, Infinity, "5"]) assert.equal(write(nothing), DASH, write.name);
  }
  assert.equal(number(null, 2), DASH);
});

test("an amount has cents from a dollar up, and three significant digits below", () => {
  assert.equal(money(1234.5), "$1,234.50");
  assert.equal(money(1), "$1.00");
  assert.equal(money(0.25), "$0.250");
  assert.equal(money(0.0002058), "$0.000206");
  assert.equal(money(-0.5), "−$0.500");
  assert.equal(money(0), "$0");
});

test("no amount is written with an exponent, or rounded to nothing", () => {
  assert.equal(money(1e-9), "$0.00000000100");
  assert.equal(money(1e-12), "<$0.0000000001");
  assert.equal(money(-1e-12), "−<$0.0000000001");
});

test("a thousand calls cost a thousand times one", () => assert.equal(moneyPerThousand(0.0002058), "$0.206"));

test("a price list's cents are kept, and finer prices get the digits they need", () => {
  assert.equal(price(15), "$15.00");
  assert.equal(price(0.1), "$0.10");
  assert.equal(price(0.075), "$0.075");
  assert.equal(price(1234.5), "$1,234.50");
});

test("no chance is rounded to certainty or to nothing", () => {
  assert.equal(percent(0.9996), ">99.9%");
  assert.equal(percent(0.0004), "<0.1%");
  assert.equal(percent(1), "100.0%");
  assert.equal(lessOrMore(0.25), "25.0% less");
  assert.equal(lessOrMore(-0.219), "21.9% more");
  assert.equal(percent(0), "0.0%");
  assert.equal(percent(0.9995), ">99.9%");
  assert.equal(percent(0.99949), "99.9%");
  assert.equal(percent(0.0005), "0.1%");
  assert.equal(percent(0.7), "70.0%");
});

test("a threshold is written as it was set", () => {
  assert.equal(plainPercent(0.7), "70%");
  assert.equal(plainPercent(0.125), "12.5%");
  assert.equal(plainPercent(0.29), "29%");
});

test("a negative number has a minus sign, a negative zero none", () => {
  assert.equal(number(-1.25, 1), "−1.3");
  assert.equal(number(-0.001, 2), "0.00");
  assert.equal(count(1234567), "1,234,567");
});

test("a time is local and sortable, and what is no time is left as it is", () => {
  const there = new Date("2026-11-22T23:31:48.000Z");
  const two = (part) => String(part).padStart(2, "0");
  assert.match(localTime("2026-11-22T23:31:48.000Z"), /^2026-11-2[1-3] \d\d:\d1:48$/);
  assert.ok(localTime("2026-11-22T23:31:48.000Z").includes(` ${two(there.getHours())}:`));
  assert.equal(localTime("yesterday"), "yesterday");
  assert.equal(localTime(null), DASH);
});
