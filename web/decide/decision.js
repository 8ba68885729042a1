// @ts-check
// One whole decision as elements: the answer first, the reasons after it. The same for a new one and one of the past.

import { el, list } from "../lib/dom.js";
import { DASH, count, localTime, money, moneyPerThousand, number, percent, plainPercent } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { outcomesView } from "./outcomes.js";
import { comparedView } from "./replay.js";
import { shadowView } from "./shadow.js";

const EXCLUDED_SHOWN_OPEN = 6;

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {import("../lib/api.js").Schemas} Schemas */
/** @typedef {import("../lib/dom.js").Child} Child */

/** @param {Decision} decision */
export function decisionView(decision) {
  const compared = comparedView(decision);
  const size = decision.candidates.length;
  return el(
    "article",
    { class: "decision", "data-testid": "decision-view", "data-id": decision.id },
    headline(decision),
    decision.recorded === false
      ? el(
          "p",
          { class: "note", "data-testid": "not-recorded" },
          "This decision was not stored. It will not appear in the history.",
        )
      : null,
    shadowView(decision),
    figures(decision),
    outcomesView(decision),
    el(
      "section",
      { class: "compared" },
      el("h3", {}, "Cost against completion"),
      compared.chart,
      compared.slider,
    ),
    el("section", {}, el("h3", {}, size === 1 ? "1 candidate" : `${size} candidates`), compared.table),
    calls(decision),
    excluded(list(decision.excluded)),
    prompt(decision),
    about(decision),
  );
}

// The decision as one sentence, for a screen reader.
/** @param {Decision} decision */
export function decisionSentence(decision) {
  const stored = decision.recorded === false ? " It was not stored." : "";
  const chosen = decision.selected.join(" and ") || "no model";
  return `Chosen: ${chosen}. Expected completion ${percent(decision.expected_quality)}, predicted cost ${money(decision.cost)}.${stored}`;
}

/** @param {string | null | undefined} reason */
export function reasonWords(reason) {
  if (reason === "threshold") return "clears the threshold";
  if (reason === "value") return "worth the most";
  if (reason === "observed") return "observed: the caller's own model";
  if (reason === "fallback") return "fallback: none clears the threshold";
  return String(reason ?? DASH);
}

/** @param {Decision} decision */
function headline(decision) {
  const chosen = decision.selected.map((id) => el("li", { "data-testid": "chosen-model" }, modelName(id)));
  return el(
    "div",
    { class: decision.reason === "fallback" ? "headline fallback" : "headline" },
    el("p", { class: "reason", "data-testid": "reason" }, reasonWords(decision.reason)),
    chosen.length > 0
      ? el("ul", { class: "chosen-models" }, chosen)
      : el("p", { class: "chosen-models" }, "No model"),
    decision.explanation
      ? el("p", { class: "explanation", dir: "auto", "data-testid": "explanation" }, decision.explanation)
      : null,
  );
}

/** @param {Decision} decision */
function figures(decision) {
  const { cost, strongest } = decision;
  const items = [
    figure(
      "Expected completion",
      percent(decision.expected_quality),
      barWords(decision),
      "expected-completion",
    ),
    figure("Cost of 1,000", moneyPerThousand(cost), costWords(decision), "cost"),
  ];
  if (strongest) {
    items.push(
      figure(
        "Always the strongest",
        moneyPerThousand(strongest.cost),
        modelName(strongest.model_id),
        "strongest",
      ),
    );
    items.push(saving(cost, strongest, decision.selected));
  }
  items.push(figure("Difficulty", number(decision.difficulty, 2), "higher is harder", "difficulty"));
  return el("dl", { class: "figures" }, items);
}

// What was asked for: a bar, a worth, or both.
/** @param {Decision} decision */
function barWords({ completion_threshold: threshold, worth_usd: worth = null }) {
  const bar = threshold > 0 || worth === null ? `threshold ${plainPercent(threshold)}` : null;
  return [bar, worth === null ? null : `worth ${money(worth)}`].filter(Boolean).join(", ");
}

// What one request costs, and where most of that comes from.
/** @param {Decision} decision */
function costWords({ cost, tokens }) {
  const written = tokens ? `, ${count(tokens.expected)} tokens out (9 in 10 under ${count(tokens.p90)})` : "";
  return `${money(cost)} each${written}`;
}

/** @param {string} name @param {string} value @param {Child} note @param {string} testid */
function figure(name, value, note, testid) {
  return el(
    "div",
    { "data-testid": testid },
    el("dt", {}, name),
    el("dd", { class: "value" }, value),
    el("dd", { class: "detail" }, note),
  );
}

/** @param {number | null} cost @param {Decision["strongest"]} strongest @param {string[]} selected */
function saving(cost, strongest, selected) {
  const most = strongest.cost ?? 0;
  const saved = cost === null ? NaN : most - cost; // what a price is not known of saves nothing that is known
  if (!(most > 0) || !Number.isFinite(saved)) return figure("Saved", DASH, "against the strongest", "saving");
  if (selected.length === 1 && selected[0] === strongest.model_id)
    return figure("Saved", "nothing", "the strongest is chosen", "saving");
  if (saved < 0) return figure("Saved", "nothing", `${moneyPerThousand(-saved)} more per 1,000`, "saving");
  return figure("Saved", percent(saved / most), `${moneyPerThousand(saved)} per 1,000`, "saving");
}

// How to call what was chosen, and what to call where it is unavailable.
/** @param {Decision} decision */
function calls(decision) {
  const [chosen, others] = [list(decision.calls), list(decision.fallbacks)];
  if (chosen.length === 0) return null;
  return el(
    "details",
    { class: "fold", "data-testid": "calls" },
    el("summary", {}, others.length > 0 ? `How to call it, and ${others.length} to fall back on` : "How to call it"),
    el("ul", { class: "plain-list calls" }, chosen.map((one) => callRow(one, null))),
    others.length > 0 ? el("p", { class: "muted" }, "If it is unavailable, in this order:") : null,
    others.length > 0
      ? el(
          "ol",
          { class: "calls", "data-testid": "fallbacks" },
          others.map((one) =>
            callRow(one, `${percent(one.expected_quality)} expected, ${moneyPerThousand(one.cost)} per 1,000`),
          ),
        )
      : null,
  );
}

/** @param {Schemas["CallOut"]} call @param {string | null} expected */
function callRow({ model_id: id, effort, request }, expected) {
  const asks = Object.keys(request ?? {}).length > 0;
  return el(
    "li",
    {},
    modelName(effort ? `${id}@${effort}` : id),
    asks ? el("code", { dir: "ltr" }, JSON.stringify(request)) : null,
    expected === null ? null : el("span", { class: "muted" }, expected),
  );
}

/** @param {readonly Schemas["ExcludedOut"][]} some */
function excluded(some) {
  if (some.length === 0) return null;
  return el(
    "details",
    { class: "fold", open: some.length <= EXCLUDED_SHOWN_OPEN, "data-testid": "excluded" },
    el("summary", {}, `Excluded (${some.length})`),
    el(
      "ul",
      { class: "plain-list" },
      some.map((one) =>
        el(
          "li",
          {},
          modelName(one?.model_id ?? DASH),
          " ",
          el("span", { class: "muted", dir: "auto" }, one?.why ?? ""),
        ),
      ),
    ),
  );
}

/** @param {Decision} decision */
function prompt({ prompt: kept, prompt_bytes: bytes }) {
  const isPart = typeof kept === "string" && new TextEncoder().encode(kept).length !== bytes;
  const size = `${count(bytes)} bytes${isPart ? ", stored in part" : ""}`;
  /** @param {string} text */
  const box = (text) =>
    el(
      "div",
      {
        class: "prompt-text",
        dir: "auto",
        tabindex: "0",
        role: "group",
        "aria-label": "Prompt",
        "data-testid": "prompt-text",
      },
      text,
    );
  return el(
    "section",
    {},
    el("h3", {}, "Prompt ", el("span", { class: "muted" }, size)),
    typeof kept === "string" ? box(kept) : el("p", { class: "muted" }, "The text of this prompt was not stored."),
  );
}

/** @param {Decision["costs"]} costs */
function partsWords(costs) {
  if (!costs) return null;
  /** @type {[string, number | null][]} */
  const parts = [
    ["input", costs.input],
    ["cached input", costs.cached],
    ["output", costs.output],
  ];
  return parts
    .filter(([, usd]) => usd !== null && usd > 0)
    .map(([name, usd]) => `${name} ${money(usd)}`)
    .join(", ");
}

/** @param {Decision} decision */
function about(decision) {
  const time = decision.ts
    ? el("time", { datetime: decision.ts, title: decision.ts }, localTime(decision.ts))
    : null;
  /** @type {[string, Node | string | number | null | undefined][]} */
  const all = [
    ["Decided", time],
    ["Config", decision.config],
    ["Worth of a completed request", typeof decision.worth_usd === "number" ? money(decision.worth_usd) : null],
    ["Value", typeof decision.value === "number" ? money(decision.value) : null],
    ["Within of the best", typeof decision.within === "number" ? plainPercent(decision.within) : null],
    ["Cost by part", partsWords(decision.costs)],
    ["Fallback margin", plainPercent(decision.fallback_quality_margin)],
    ["Models per request", decision.max_k],
    ["Task", decision.task],
    ["Caller", decision.caller],
    ["Predicted latency", typeof decision.latency === "number" ? `${number(decision.latency, 2)} s` : null],
    ["Decision id", decision.id],
    ["Prompt SHA-256", decision.prompt_sha256],
    ["Artifact", decision.artifact],
  ];
  const pairs = all.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el(
    "details",
    { class: "fold" },
    el("summary", {}, "About this decision"),
    el(
      "dl",
      { class: "pairs" },
      pairs.map(([term, value]) =>
        el(
          "div",
          {},
          el("dt", {}, term),
          el("dd", { dir: "auto" }, value instanceof Node ? value : String(value)),
        ),
      ),
    ),
  );
}
