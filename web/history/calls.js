// @ts-check
// One row of the history: a button that opens the whole decision below itself.

import { asTrouble, getDecision } from "../lib/api.js";
import { decisionView, reasonWords } from "../decide/decision.js";
import { el, isA, list } from "../lib/dom.js";
import { localTime, money, percent } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { showFailure } from "../lib/trouble.js";
import { startWaiting } from "../lib/waiting.js";

/** @typedef {import("../lib/api.js").Call} Call */

/** @param {Call} call */
export function callRow(call) {
  const detailId = `detail-${call.id}`;
  const detail = el("div", {
    id: detailId,
    class: "call-detail",
    "data-testid": "history-detail",
    hidden: true,
  });
  const preview = call.prompt_preview
    ? el("span", { class: "call-prompt", dir: "auto", "data-testid": "history-prompt" }, call.prompt_preview)
    : el("span", { class: "call-prompt muted" }, "prompt not stored");
  const button = el(
    "button",
    {
      type: "button",
      class: "call",
      "aria-expanded": "false",
      "aria-controls": detailId,
      "data-testid": "history-row",
    },
    el("time", { class: "call-time", datetime: call.ts, title: call.ts }, localTime(call.ts)),
    preview,
    el(
      "span",
      { class: "call-models" },
      list(call.selected).map((id) => modelName(id)),
    ),
    el(
      "span",
      { class: "call-config" },
      el("span", {}, call.config),
      call.reason === "fallback"
        ? el("span", { class: "badge warn-badge", title: reasonWords(call.reason) }, "fallback")
        : null,
    ),
    el("span", { class: "call-quality" }, percent(call.expected_quality)),
    el("span", { class: "call-cost" }, money(call.cost)),
  );
  /** @param {boolean} open */
  const toggle = (open) => {
    button.setAttribute("aria-expanded", String(open));
    detail.hidden = !open;
    if (open && detail.childElementCount === 0) fill(detail, call.id);
  };
  button.addEventListener("click", () => toggle(button.getAttribute("aria-expanded") !== "true"));
  const row = el("li", { "data-testid": "history-item", "data-id": call.id }, button, detail);
  row.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || detail.hidden) return;
    toggle(false);
    button.focus();
  });
  return row;
}

// What a search looks in.
/** @param {Call} call */
export function textOf(call) {
  return [call.prompt_preview, call.config, call.caller, call.id, ...list(call.selected)]
    .filter(Boolean)
    .join(" ")
    .toLowerCase();
}

// The arrow keys go from row to row while one has the focus.
/** @param {HTMLElement} rows */
export function startRowKeys(rows) {
  rows.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (!["ArrowDown", "ArrowUp"].includes(key) || !isA(target) || !target.matches(".call")) return;
    /** @param {Element | null} row */
    const beside = (row) => (key === "ArrowDown" ? row?.nextElementSibling : row?.previousElementSibling) ?? null;
    let row = beside(target.parentElement);
    while (isA(row) && row.hidden) row = beside(row);
    const call = row?.querySelector(".call");
    if (!isA(call)) return;
    event.preventDefault();
    call.focus();
  });
}

/** @param {HTMLElement} detail @param {string} id */
async function fill(detail, id) {
  const wait = el("p", { class: "muted wait", role: "status" });
  detail.replaceChildren(wait);
  const done = startWaiting(wait, { text: "Loading the decision." });
  try {
    detail.replaceChildren(decisionView(await getDecision(id)));
  } catch (error) {
    const trouble = asTrouble(error);
    const place = el("div", { class: "trouble", role: "alert", "data-testid": "detail-error" });
    detail.replaceChildren(place);
    showFailure(
      place,
      "This decision could not be loaded.",
      trouble,
      trouble.retry ? () => fill(detail, id) : null,
    );
  }
  done();
}
