// @ts-check
// What really happened with the models that were chosen: a thumb up or down for each, kept by the server.

import { asTrouble, putOutcome } from "../lib/api.js";
import { el, list, svg } from "../lib/dom.js";
import { count, localTime, money, number } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { clearTrouble, showFailure } from "../lib/trouble.js";

const THUMB =
  "M4 9h2.6L10 2.5c1.4 0 2 .9 1.8 2L11.3 8H15c.9 0 1.5.8 1.3 1.7l-1.1 5c-.2.8-.8 1.3-1.6 1.3H7L4 15.5z";

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {Partial<import("../lib/api.js").Outcome>} Known */

/** @param {Decision} decision */
export function outcomesView(decision) {
  if (decision.recorded === false || decision.selected.length === 0) return null;
  const known = new Map(list(decision.outcomes).map((one) => [one?.model_id, one]));
  return el(
    "section",
    { class: "outcomes", "data-testid": "outcomes" },
    decision.selected.map((id) => outcomeRow(decision.id, id, known.get(id) ?? null)),
  );
}

// What a gateway reports beside a verdict.
const REPORTED = /** @type {const} */ ([
  "input_tokens",
  "cached_tokens",
  "output_tokens",
  "latency_ms",
  "cost_usd",
  "finish_reason",
  "error",
]);

/** @param {string} decisionId @param {string} modelId @param {Known | null} known */
function outcomeRow(decisionId, modelId, known) {
  const told = el("span", { class: "muted", role: "status", "data-testid": "outcome-told" });
  const place = el("div", { class: "trouble", role: "alert", "data-testid": "outcome-error", hidden: true });
  const buttons = [thumb(true), thumb(false)];
  let outcome = known;
  let sending = false;

  /** @param {boolean} completed */
  function thumb(completed) {
    const words = completed ? "completed" : "not completed";
    return el(
      "button",
      {
        type: "button",
        class: completed ? "thumb up" : "thumb down",
        "aria-label": `${modelId}: ${words}`,
        "data-testid": completed ? "thumb-up" : "thumb-down",
        on: { click: () => send(completed) },
      },
      icon(),
    );
  }

  /** @param {boolean} completed */
  async function send(completed) {
    if (sending || outcome?.completed === completed) return;
    sending = true;
    told.textContent = "Saving…";
    try {
      // What is known besides, such as a cost that was reported, stays; a score goes with the verdict it was for.
      const kept = Object.fromEntries(REPORTED.map((field) => [field, outcome?.[field] ?? null]));
      const answer = await putOutcome(decisionId, { ...kept, model_id: modelId, completed });
      outcome = list(answer.outcomes).find((one) => one?.model_id === modelId) ?? { completed };
      clearTrouble(place);
    } catch (error) {
      const trouble = asTrouble(error);
      showFailure(place, "The outcome was not saved.", trouble, trouble.retry ? () => send(completed) : null);
    }
    sending = false;
    show();
  }

  function show() {
    buttons[0].setAttribute("aria-pressed", String(outcome?.completed === true));
    buttons[1].setAttribute("aria-pressed", String(outcome?.completed === false));
    told.textContent = outcome === null ? "" : words(outcome);
  }

  show();
  return el(
    "div",
    { class: "outcome" },
    el(
      "div",
      { class: "outcome-row" },
      el("span", {}, "Did ", modelName(modelId), " complete it?"),
      el("span", { class: "thumbs" }, buttons),
      told,
    ),
    place,
  );
}

/** @param {Known} one */
function words(one) {
  const parts = [one.completed === true ? "completed" : one.completed === false ? "not completed" : null];
  if (typeof one.score === "number") parts.push(`score ${number(one.score, 2)}`);
  if (typeof one.output_tokens === "number") parts.push(`${count(one.output_tokens)} output tokens`);
  if (typeof one.cost_usd === "number") parts.push(money(one.cost_usd));
  if (one.error) parts.push(`failed: ${one.error}`);
  if (one.ts) parts.push(localTime(one.ts));
  return parts.filter(Boolean).join(" · ");
}

function icon() {
  return svg(
    "svg",
    { viewBox: "0 0 18 18", width: 18, height: 18, "aria-hidden": "true" },
    svg("path", { d: THUMB }),
  );
}
