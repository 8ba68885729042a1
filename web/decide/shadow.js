// @ts-check
// Shadow mode: the caller's own model was answered. What it is and what would have been chosen, line by line, and what
// the one costs beside the other.

import { el, list } from "../lib/dom.js";
import { DASH, lessOrMore, moneyPerThousand, percent } from "../lib/format.js";
import { modelName } from "../lib/model.js";

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {Pick<Decision, "selected" | "expected_quality" | "cost">} Choice */

// Null where the decision was not only observed, as all of an older service are.
/** @param {Decision} decision */
export function shadowView(decision) {
  const { shadow } = decision;
  if (!shadow) return null;
  return el(
    "section",
    { "data-testid": "shadow" },
    el("h3", {}, "Shadow mode"),
    el(
      "table",
      { class: "shadow-mode" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          ["Model", "Completion", "Cost of 1,000"].map((name) => el("th", { scope: "col" }, name)),
        ),
      ),
      el(
        "tbody",
        {},
        line("Called by you", decision, "shadow-own"),
        line("Would have been chosen", shadow, "shadow-chosen"),
      ),
    ),
    el("p", { class: "muted", "data-testid": "shadow-difference" }, differenceWords(decision, shadow)),
  );
}

/** @param {string} name @param {Choice} choice @param {string} testid */
function line(name, choice, testid) {
  const models = list(choice.selected);
  return el(
    "tr",
    { "data-testid": testid },
    el("th", { scope: "row" }, name),
    el("td", {}, models.length === 0 ? DASH : models.map((id) => el("div", {}, modelName(id)))),
    el("td", { class: "amount" }, percent(choice.expected_quality)),
    el("td", { class: "amount" }, moneyPerThousand(choice.cost)),
  );
}

/** @param {Choice} own @param {Choice} chosen */
function differenceWords(own, chosen) {
  if (String(list(own.selected)) === String(list(chosen.selected))) return "The same model: nothing would have changed.";
  if (own.cost === null || chosen.cost === null) return "What it would have saved is not known, since a price is not.";
  const saved = own.cost - chosen.cost;
  if (saved === 0) return "Both cost the same.";
  const beside = own.cost > 0 ? `${lessOrMore(saved / own.cost)}: ` : "";
  return `${beside}${moneyPerThousand(Math.abs(saved))} ${saved > 0 ? "saved" : "more"} on 1,000 requests.`;
}
