// The table of the candidates of one decision, cheapest first. The chosen one is told in words, not by colour only.
// A long table starts with its cheapest rows; the chosen and the strongest are among those shown in any case.

import { el } from "./dom.js";
import { DASH, count, money, number, percent, plainPercent } from "./format.js";
import { modelName } from "./model.js";

const SHOWN_AT_FIRST = 10;

// The table, and a button for the rest where the table is long.
export function candidatesView(decision) {
  const table = candidatesTable(decision);
  const rest = [...table.tBodies[0].rows].filter(
    (row, place) => place >= SHOWN_AT_FIRST && row.querySelector(".badge-kept") === null,
  );
  if (rest.length < 3) return [table];
  const total = decision.candidates.length;
  const button = el("button", {
    type: "button",
    class: "more",
    "aria-expanded": "false",
    "data-testid": "all-candidates",
  });
  const show = (all) => {
    for (const row of rest) row.hidden = !all;
    button.setAttribute("aria-expanded", String(all));
    button.textContent = all ? `Show ${total - rest.length} of ${total}` : `Show all ${total}`;
  };
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  show(false);
  return [table, button];
}

function candidatesTable(decision) {
  const rows = [...decision.candidates].sort((a, b) => a.cost - b.cost || b.mu - a.mu);
  const timed = rows.some((row) => typeof row.latency_s === "number");
  const columns = ["Candidate", "Expected completion", "Sigma", "Cost", "Capability", "Tokens in / out"];
  if (timed) columns.push("Latency");
  return el(
    "table",
    { class: "candidates", role: "table", "data-testid": "candidates" },
    el(
      "caption",
      {},
      `Cheapest first. The line across each bar is the completion threshold, ${plainPercent(decision.completion_threshold)}.`,
    ),
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        columns.map((name) => el("th", { scope: "col", role: "columnheader" }, name)),
      ),
    ),
    el(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) => candidateRow(row, decision, timed)),
    ),
  );
}

function candidateRow(row, decision, timed) {
  const chosen = decision.selected.includes(row.model_id);
  const tokens = `${count(row.input_tokens)} / ${count(row.output_tokens)}`;
  return el(
    "tr",
    { role: "row", class: chosen ? "chosen" : null, "data-testid": "candidate", "data-model": row.model_id },
    el(
      "th",
      { scope: "row", role: "rowheader" },
      el(
        "span",
        { class: "with-badge" },
        modelName(row.model_id),
        chosen ? el("span", { class: "badge badge-kept chosen-badge" }, "✓ Chosen") : null,
        row.model_id === decision.strongest?.model_id
          ? el("span", { class: "badge badge-kept muted" }, "Strongest")
          : null,
      ),
    ),
    cell(
      "Expected completion",
      "completion",
      bar(row.mu, decision.completion_threshold),
      el("span", {}, percent(row.mu)),
    ),
    cell("Sigma", null, typeof row.sigma === "number" ? `±${percent(row.sigma)}` : DASH),
    cell("Cost", null, money(row.cost)),
    cell(
      "Capability",
      null,
      el(
        "span",
        { class: "with-badge" },
        number(row.capability, 2),
        row.capability_known === false
          ? el("span", { class: "badge guess", "data-testid": "capability-unknown" }, "not measured")
          : null,
      ),
    ),
    cell("Tokens in / out", null, tokens),
    timed
      ? cell("Latency", null, typeof row.latency_s === "number" ? `${number(row.latency_s, 2)} s` : DASH)
      : null,
  );
}

function cell(label, kind, ...content) {
  return el("td", { role: "cell", class: kind, "data-label": label }, ...content);
}

// For the eye only: the number beside it says the same.
function bar(mu, threshold) {
  const inside = (share) => Math.min(1, Math.max(0, Number(share) || 0));
  return el(
    "span",
    {
      class: mu >= threshold ? "bar over" : "bar",
      "aria-hidden": "true",
      vars: { "--mu": inside(mu), "--threshold": inside(threshold) },
    },
    el("span", { class: "bar-fill" }),
    el("span", { class: "bar-threshold" }),
  );
}
