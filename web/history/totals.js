// @ts-check
// Sums over the decisions that are shown: what they cost, what the strongest model would have cost, and which models
// served them. They are of what is loaded and matches, never of a whole history, and say so.

import { byId, el, list } from "../lib/dom.js";
import { count, lessOrMore, localTime, money } from "../lib/format.js";
import { sharesView } from "./shares.js";

// {count, spend, strongest, saved}: USD. A decision without a cost or without a strongest model adds to neither sum.
/** @typedef {import("../lib/api.js").Call} Call */

/** @param {Call[]} calls */
export function totalsOf(calls) {
  const priced = calls.flatMap(({ cost, strongest }) => {
    const most = strongest?.cost ?? NaN;
    return cost !== null && Number.isFinite(cost) && Number.isFinite(most) ? [{ cost, most }] : [];
  });
  const spend = priced.reduce((sum, one) => sum + one.cost, 0);
  const strongest = priced.reduce((sum, one) => sum + one.most, 0);
  return { count: calls.length, priced: priced.length, spend, strongest, saved: strongest - spend };
}

/** @param {Call[]} calls @param {boolean} hasOlder */
export function showTotals(calls, hasOlder) {
  const place = byId("totals");
  place.hidden = calls.length === 0;
  if (calls.length === 0) return;
  const sums = totalsOf(calls);
  const share = sums.strongest > 0 ? sums.saved / sums.strongest : null;
  const shares = sharesView(calls);
  place.replaceChildren(
    el(
      "dl",
      { class: "figures" },
      figure(
        "Decisions",
        count(sums.count),
        sums.priced < sums.count ? `${sums.count - sums.priced} without a price` : "",
        "total-count",
      ),
      figure("Predicted spend", money(sums.spend), "", "total-spend"),
      figure("Always the strongest", money(sums.strongest), "", "total-strongest"),
      figure("Saved", money(sums.saved), share === null ? "" : lessOrMore(share), "total-saved"),
    ),
    ...(shares === null ? [] : [shares]),
    el("p", { class: "muted scope", "data-testid": "totals-scope" }, scope(calls, hasOlder)),
  );
}

/** @param {string} name @param {string} value @param {string} note @param {string} testid */
function figure(name, value, note, testid) {
  return el(
    "div",
    { "data-testid": testid },
    el("dt", {}, name),
    el("dd", { class: "value" }, value),
    el("dd", { class: "detail" }, note),
  );
}

/** @param {Call[]} calls @param {boolean} hasOlder */
function scope(calls, hasOlder) {
  const size = calls.length === 1 ? "the 1 decision" : `the ${count(calls.length)} decisions`;
  const [from, to] = [calls.at(-1), calls[0]].map((call) => localTime(call?.ts).slice(0, 16));
  const rest = hasOlder ? " Older ones are not loaded and not counted." : "";
  return `Over ${size} shown below, ${from} to ${to}. Predicted, not billed.${rest}`;
}

// Every candidate that was chosen in these calls.
/** @param {Call[]} calls */
export function modelsOf(calls) {
  return calls.flatMap((call) => list(call.selected));
}
