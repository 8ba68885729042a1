// Sums over the decisions that are shown: what they cost, what the strongest model would have cost, and which models
// served them. They are of what is loaded and matches, never of a whole history, and say so.

import { byId, el, list } from "../lib/dom.js";
import { count, lessOrMore, localTime, money } from "../lib/format.js";
import { sharesView } from "./shares.js";

// {count, spend, strongest, saved}: USD. A decision without a cost or without a strongest model adds to neither sum.
export function totalsOf(calls) {
  const priced = calls.filter((call) => Number.isFinite(call.cost) && Number.isFinite(call.strongest?.cost));
  const spend = priced.reduce((sum, call) => sum + call.cost, 0);
  const strongest = priced.reduce((sum, call) => sum + call.strongest.cost, 0);
  return { count: calls.length, priced: priced.length, spend, strongest, saved: strongest - spend };
}

export function showTotals(calls, hasOlder) {
  const place = byId("totals");
  place.hidden = calls.length === 0;
  if (calls.length === 0) return;
  const sums = totalsOf(calls);
  const share = sums.strongest > 0 ? sums.saved / sums.strongest : null;
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
    sharesView(calls),
    el("p", { class: "muted scope", "data-testid": "totals-scope" }, scope(calls, hasOlder)),
  );
}

function figure(name, value, note, testid) {
  return el(
    "div",
    { "data-testid": testid },
    el("dt", {}, name),
    el("dd", { class: "value" }, value),
    el("dd", { class: "detail" }, note),
  );
}

function scope(calls, hasOlder) {
  const size = calls.length === 1 ? "the 1 decision" : `the ${count(calls.length)} decisions`;
  const [from, to] = [calls.at(-1), calls[0]].map((call) => localTime(call.ts).slice(0, 16));
  const rest = hasOlder ? " Older ones are not loaded and not counted." : "";
  return `Over ${size} shown below, ${from} to ${to}. Predicted, not billed.${rest}`;
}

// Every candidate that was chosen in these calls.
export function modelsOf(calls) {
  return calls.flatMap((call) => list(call.selected));
}
