// @ts-check
// The table of the candidates of one decision, cheapest first. The chosen one is told in words, not by colour only.

import { el } from "../lib/dom.js";
import { DASH, count, money, moneyPerThousand, number, percent } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { sortableTable } from "../lib/table.js";

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {Decision["candidates"][number]} Candidate */

const SHOWN_AT_FIRST = 10;

// The table, `mark(choice, threshold)`, which shows what is chosen, and `point(id)`, which lights a row.
/** @param {Decision} decision @param {{onPoint?: (id: string | null) => void}} listeners */
export function candidatesView(decision, { onPoint = () => {} } = {}) {
  const dearest = Math.max(0, ...decision.candidates.map((one) => one.cost || 0));
  const strongest = decision.strongest?.model_id;
  let chosen = new Set(decision.selected);
  const table = sortableTable({
    columns: columnsOf(decision, dearest),
    rows: decision.candidates,
    key: (one) => one.model_id,
    by: { column: 2, down: false },
    caption: "The candidates. The line across each bar is the completion threshold.",
    testid: "candidate",
    limit: SHOWN_AT_FIRST,
    keep: (one) => chosen.has(one.model_id) || one.model_id === strongest,
  });
  for (const { row, tr } of table.entries) {
    tr.addEventListener("pointerenter", () => onPoint(row.model_id));
    tr.addEventListener("pointerleave", () => onPoint(null));
  }

  /** @param {{selected: string[]}} choice @param {number} threshold */
  function mark(choice, threshold) {
    chosen = new Set(choice.selected);
    table.node.classList.toggle("unasked", !(threshold > 0)); // a choice by worth may ask for no completion at all
    table.node.style.setProperty("--threshold", String(Math.min(1, Math.max(0, Number(threshold) || 0))));
    for (const { row, tr } of table.entries) {
      tr.classList.toggle("chosen", chosen.has(row.model_id));
      tr.classList.toggle("over", row.mu >= threshold);
      tr.querySelector(".badges")?.replaceChildren(
        ...[
          chosen.has(row.model_id) ? el("span", { class: "badge chosen-badge" }, "Chosen") : null,
          row.model_id === strongest ? el("span", { class: "badge" }, "Strongest") : null,
        ].filter((badge) => badge !== null),
      );
    }
    table.refresh();
  }

  mark(decision, decision.completion_threshold);
  return {
    node: table.node,
    mark,
    /** @param {string | null} modelId */
    point(modelId) {
      for (const { row, tr } of table.entries) tr.classList.toggle("pointed", row.model_id === modelId);
    },
  };
}

/** @param {Decision} decision @param {number} dearest */
function columnsOf(decision, dearest) {
  /** @type {import("../lib/table.js").Column<Candidate>[]} */
  const columns = [
    {
      name: "Model",
      cell: (one) => [modelName(one.model_id), el("span", { class: "badges" })],
      sort: (one) => one.model_id,
    },
    {
      name: "Completion",
      kind: "completion",
      cell: (one) => [bar("bar", one.mu), el("span", { class: "value" }, percent(one.mu)), sigma(one)],
      sort: (one) => one.mu,
      down: true,
    },
    {
      name: "Cost of 1,000",
      kind: "cost",
      cell: (one) => [
        bar("bar cost-bar", dearest > 0 ? (one.cost ?? 0) / dearest : 0),
        el("span", { class: "value", title: `${money(one.cost)} a request` }, moneyPerThousand(one.cost)),
      ],
      sort: (one) => one.cost,
    },
    {
      name: "Capability",
      kind: "number",
      cell: (one) => [
        number(one.capability, 2),
        one.capability_known === false
          ? el("span", { class: "badge", "data-testid": "capability-unknown" }, "assumed")
          : null,
      ],
      sort: (one) => one.capability,
      down: true,
    },
    {
      name: "Tokens",
      kind: "number",
      cell: (one) =>
        el("span", { title: "in / out" }, `${count(one.input_tokens)} / ${count(one.output_tokens)}`),
      sort: (one) => (one.input_tokens ?? 0) + (one.output_tokens ?? 0),
    },
  ];
  if (decision.candidates.some((one) => typeof one.latency_s === "number")) {
    columns.push({
      name: "Latency",
      kind: "number",
      cell: (one) => (typeof one.latency_s === "number" ? `${number(one.latency_s, 2)} s` : DASH),
      sort: (one) => one.latency_s,
    });
  }
  return columns;
}

/** @param {Candidate} one */
function sigma(one) {
  return el("span", { class: "sigma" }, typeof one.sigma === "number" ? `± ${percent(one.sigma)}` : "");
}

// For the eye only: the number beside it says the same.
/** @param {string} kind @param {number} share */
function bar(kind, share) {
  return el(
    "span",
    { class: kind, "aria-hidden": "true", vars: { "--share": Math.min(1, Math.max(0, Number(share) || 0)) } },
    el("span", { class: "bar-fill" }),
  );
}
