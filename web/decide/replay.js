// The decision at other thresholds, at once and without a request: the chart, the table and one sentence follow a
// slider. It is offered only where the page, at the decision's own threshold, comes to the server's own choice.

import { candidatesView } from "./candidates.js";
import { el } from "../lib/dom.js";
import { moneyPerThousand, percent, plainPercent } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { explain, replayer } from "./policy.js";
import { scatterView } from "./scatter.js";

// The elements of the chart with its slider, and of the table.
export function comparedView(decision) {
  const chart = scatterView(decision, { onPoint: (id) => table.point(id) });
  const table = candidatesView(decision, { onPoint: (id) => chart.point(id) });
  const choose = replayer(decision);
  const exact = choose !== null && isSame(choose(decision.completion_threshold), decision);
  const shown = exact
    ? slider(decision, choose, (choice, threshold) => {
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

function isSame(choice, decision) {
  return (
    choice.selected.join() === decision.selected.join() &&
    choice.cost === decision.cost &&
    choice.expected_quality === decision.expected_quality
  );
}

function slider(decision, choose, onChoice) {
  const own = decision.completion_threshold;
  const input = el("input", {
    type: "range",
    min: 0,
    max: 100,
    step: 1,
    value: Math.round(own * 100),
    "aria-label": "Completion threshold",
    "data-testid": "threshold",
  });
  const value = el("output", { class: "threshold-value" });
  const told = el("p", { class: "replayed", "data-testid": "replayed", "aria-live": "polite" });
  const reset = el("button", { type: "button", class: "quiet", "data-testid": "threshold-reset" }, "Reset");

  function show(threshold) {
    const choice = choose(threshold);
    value.textContent = plainPercent(threshold);
    input.setAttribute("aria-valuetext", `${plainPercent(threshold)}: ${choice.selected.join(" and ")}`);
    reset.hidden = threshold === own;
    const same = choice.selected.join() === decision.selected.join();
    told.replaceChildren(
      ...(threshold === own
        ? ["What was decided. Drag to see what another threshold would choose."]
        : sentence(choice, same)),
    );
    told.title = explain(choice, threshold, decision);
    onChoice(choice, threshold);
  }

  // A hundredth divided is the float that the config's file would give.
  input.addEventListener("input", () => show(Number(input.value) / 100));
  reset.addEventListener("click", () => {
    input.value = Math.round(own * 100);
    show(own);
    input.focus();
  });
  show(own);
  return el(
    "div",
    { class: "replay" },
    el("div", { class: "replay-head" }, el("span", { class: "label" }, "Threshold"), value, input, reset),
    told,
  );
}

function sentence(choice, same) {
  const names = choice.selected.flatMap((id, place) =>
    place > 0 ? [" with ", modelName(id)] : [modelName(id)],
  );
  const price = `${percent(choice.expected_quality)} expected, ${moneyPerThousand(choice.cost)} per 1,000 requests.`;
  if (choice.reason === "fallback") return ["None clears it. Nearest: ", ...names, `, ${price}`];
  return [same ? "Still " : "Would choose ", ...names, `: ${price}`];
}
