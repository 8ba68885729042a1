// @ts-check
// The decision at other thresholds, or at another worth where it was chosen by worth, at once and without a request: the
// chart, the table and one sentence follow a slider. It is offered only where the page, at what the decision itself
// asked for, comes to the server's own choice.

import { candidatesView } from "./candidates.js";
import { el } from "../lib/dom.js";
import { money, moneyPerThousand, percent, plainPercent } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { askedOf, explain, replayer } from "./policy.js";
import { scatterView } from "./scatter.js";

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {import("./policy.js").Choice} Choice */
/** @typedef {ReturnType<typeof askedOf>} Asked */
/**
 * @typedef {object} Dial What the slider moves: the position is a whole number, `at` what it asks for, and `text` how
 *   that is told.
 * @property {Asked} own
 * @property {string} name
 * @property {string} label
 * @property {number} max
 * @property {number} start
 * @property {(position: number) => Asked} at
 * @property {(asked: Asked) => string} text
 */

// The elements of the chart with its slider, and of the table.
/** @param {Decision} decision */
export function comparedView(decision) {
  const chart = scatterView(decision, { onPoint: (id) => table.point(id) });
  const table = candidatesView(decision, { onPoint: (id) => chart.point(id) });
  const choose = replayer(decision);
  const exact = choose !== null && isSame(choose(askedOf(decision)), decision);
  const shown = exact
    ? slider(decision, choose, (choice, { threshold }) => {
        chart.mark(choice, threshold);
        table.mark(choice, threshold);
      })
    : el(
        "p",
        { class: "muted", "data-testid": "no-replay" },
        "This decision cannot be replayed for other thresholds: it was made by another version, or a part of it is missing.",
      );
  return { chart: chart.node, slider: shown, table: table.node };
}

/** @param {Choice} choice @param {Decision} decision */
function isSame(choice, decision) {
  return (
    choice.selected.join() === decision.selected.join() &&
    choice.cost === decision.cost &&
    choice.expected_quality === decision.expected_quality
  );
}

/** @param {Decision} decision @returns {Dial} */
function dialOf(decision) {
  const own = askedOf(decision);
  if (own.worth === null) {
    return {
      own,
      name: "Threshold",
      label: "Completion threshold",
      max: 100,
      start: Math.round(own.threshold * 100),
      // A hundredth divided is the float that the config's file would give.
      at: (position) => ({ ...own, threshold: position / 100 }),
      text: ({ threshold }) => plainPercent(threshold),
    };
  }
  return {
    own,
    name: "Worth",
    label: "What a completed request is worth",
    max: WORTHS.length - 1,
    start: nearest(own.worth),
    at: (position) => ({ ...own, worth: WORTHS[position] }),
    text: ({ worth }) => money(worth),
  };
}

// 1, 2, 5 of each power of ten, from a hundredth of a cent to a thousand dollars.
const WORTHS = [-4, -3, -2, -1, 0, 1, 2].flatMap((power) => [1, 2, 5].map((lead) => Number(`${lead}e${power}`)));
WORTHS.push(1000);

/** @param {number} worth */
function nearest(worth) {
  /** @param {number} place */
  const far = (place) => Math.abs(Math.log(WORTHS[place] / worth));
  return WORTHS.reduce((best, _, place) => (far(place) < far(best) ? place : best), 0);
}

/**
 * @param {Decision} decision @param {(asked: Asked) => Choice} choose
 * @param {(choice: Choice, asked: Asked) => void} onChoice
 */
function slider(decision, choose, onChoice) {
  const dial = dialOf(decision);
  const input = el("input", {
    type: "range",
    min: 0,
    max: dial.max,
    step: 1,
    value: dial.start,
    "aria-label": dial.label,
    "data-testid": "threshold",
  });
  const value = el("output", { class: "threshold-value" });
  const told = el("p", { class: "replayed", "data-testid": "replayed", "aria-live": "polite" });
  const reset = el("button", { type: "button", class: "quiet", "data-testid": "threshold-reset" }, "Reset");

  /** @param {Asked} asked */
  function show(asked) {
    const choice = choose(asked);
    const isOwn = asked.threshold === dial.own.threshold && asked.worth === dial.own.worth;
    value.textContent = dial.text(asked);
    input.setAttribute("aria-valuetext", `${dial.text(asked)}: ${choice.selected.join(" and ")}`);
    reset.hidden = isOwn;
    const same = choice.selected.join() === decision.selected.join();
    told.replaceChildren(
      ...(isOwn
        ? [`What was decided. Drag to see what another ${dial.name.toLowerCase()} would choose.`]
        : sentence(choice, same)),
    );
    told.title = explain(choice, asked, decision);
    onChoice(choice, asked);
  }

  input.addEventListener("input", () => show(dial.at(Number(input.value))));
  reset.addEventListener("click", () => {
    input.value = String(dial.start);
    show(dial.own);
    input.focus();
  });
  show(dial.own);
  return el(
    "div",
    { class: "replay" },
    el("div", { class: "replay-head" }, el("span", { class: "label" }, dial.name), value, input, reset),
    told,
  );
}

/** @param {Choice} choice @param {boolean} same */
function sentence(choice, same) {
  const names = choice.selected.flatMap((id, place) =>
    place > 0 ? [" with ", modelName(id)] : [modelName(id)],
  );
  const price = `${percent(choice.expected_quality)} expected, ${moneyPerThousand(choice.cost)} per 1,000 requests.`;
  if (choice.reason === "fallback") return ["None clears it. Nearest: ", ...names, `, ${price}`];
  return [same ? "Still " : "Would choose ", ...names, `: ${price}`];
}
