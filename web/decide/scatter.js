// @ts-check
// The candidates as points: cost to the right, completion upwards, sigma as whiskers, the threshold as a line. It is
// drawn for the width it has, so its text is never scaled. One point is reached by Tab, the others by the arrow keys.

import { el, svg } from "../lib/dom.js";
import { money, number, percent, plainPercent } from "../lib/format.js";
import { shortName } from "../lib/model.js";
import { logScale, oddsScale } from "./scale.js";

const HEIGHT = 300;
const EDGE = { top: 14, right: 16, bottom: 40, left: 52 };

/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {Decision["candidates"][number] & {cost: number}} Point A candidate that has a place in the chart. */
/** @typedef {ReturnType<typeof oddsScale>} Upwards */
/** @typedef {ReturnType<typeof logScale>} Rightwards */
/**
 * @typedef {object} Chart
 * @property {HTMLElement | null} node
 * @property {(choice: {selected: string[]}, threshold: number) => void} mark
 * @property {(modelId: string | null) => void} point
 */

// The chart, `mark(choice, threshold)`, which shows what is chosen at a threshold, and `point(id)`.
/** @param {Decision} decision @param {{onPoint?: (id: string | null) => void}} listeners @returns {Chart} */
export function scatterView(decision, { onPoint = () => {} } = {}) {
  const points = decision.candidates
    .filter(isDrawn)
    .sort((a, b) => a.cost - b.cost || a.mu - b.mu);
  if (points.length === 0) return { node: null, mark() {}, point() {} };
  const told = el("div", { class: "point-detail", "data-testid": "point-detail", "aria-hidden": "true" });
  const frame = el("div", { class: "scatter" }, told);
  let marked = { selected: decision.selected, threshold: decision.completion_threshold };
  /** @type {Point | null} */
  let current = null; // the candidate that is told about
  let stop = Math.max(
    0,
    points.findIndex((one) => decision.selected.includes(one.model_id)),
  );
  /** @type {ReturnType<typeof drawn> | null} */
  let drawing = null;

  function draw() {
    const width = frame.clientWidth;
    if (width < 50 || drawing?.width === width) return;
    const hadFocus = drawing?.node.contains(document.activeElement);
    drawing?.node.remove();
    drawing = drawn(points, decision, width);
    frame.prepend(drawing.node);
    drawing.dots.forEach((dot, place) => {
      dot.addEventListener("pointerenter", () => point(points[place]));
      dot.addEventListener("pointerleave", () => point(null));
      dot.addEventListener("focus", () => point(points[place]));
      dot.addEventListener("blur", () => point(null));
      dot.addEventListener("keydown", (event) => move(event, place));
    });
    show();
    if (hadFocus) drawing.dots[stop].focus();
  }

  /** @param {KeyboardEvent} event @param {number} place */
  function move(event, place) {
    /** @type {Record<string, number | undefined>} */
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    stop = Math.min(points.length - 1, Math.max(0, place + step));
    show();
    drawing?.dots[stop].focus();
  }

  // Tells about one candidate, or about none.
  /** @param {Point | null} candidate */
  function point(candidate) {
    current = candidate;
    onPoint(candidate?.model_id ?? null);
    show();
  }

  function show() {
    if (drawing === null) return;
    const { dots, line, label, y, over } = drawing;
    const { selected, threshold } = marked;
    over.replaceChildren(...namesOf(points, decision, selected, drawing));
    dots.forEach((dot, place) => {
      const one = points[place];
      const chosen = selected.includes(one.model_id);
      dot.classList.toggle("chosen", chosen);
      dot.classList.toggle("over", one.mu >= threshold);
      dot.classList.toggle("pointed", one === current);
      dot.setAttribute("tabindex", place === stop ? "0" : "-1");
      dot.setAttribute("aria-label", sentence(one, chosen));
    });
    const at = y.at(threshold);
    line.setAttribute("y1", String(at));
    line.setAttribute("y2", String(at));
    label.setAttribute("y", String(at < 40 ? at + 15 : at - 6));
    const asked = threshold > 0; // a choice by worth may ask for no completion at all
    line.classList.toggle("none", !asked);
    label.classList.toggle("none", !asked);
    const beyond = threshold < y.from ? " ↓" : threshold > y.to ? " ↑" : "";
    label.textContent = `threshold ${plainPercent(threshold)}${beyond}`;
    told.replaceChildren(...(current === null ? hint() : details(current, selected)));
  }

  new ResizeObserver(draw).observe(frame);
  return {
    node: frame,
    mark(choice, threshold) {
      marked = { selected: choice.selected, threshold };
      show();
    },
    point(modelId) {
      current = points.find((one) => one.model_id === modelId) ?? null;
      show();
    },
  };
}

/** @param {Decision["candidates"][number]} one @returns {one is Point} */
function isDrawn(one) {
  return Number.isFinite(one.mu) && Number.isFinite(one.cost);
}

/** @param {Point[]} points @param {Decision} decision @param {number} width */
function drawn(points, decision, width) {
  const [left, right] = [EDGE.left, width - EDGE.right];
  const [top, bottom] = [EDGE.top, HEIGHT - EDGE.bottom];
  const spread = points.flatMap((one) => [...ends(one), one.mu]);
  const asked = decision.completion_threshold > 0 ? [decision.completion_threshold] : [];
  const y = oddsScale([...spread, ...asked], bottom, top);
  const x = logScale(
    points.map((one) => one.cost * 1000),
    left,
    right,
  );
  const line = svg("line", { class: "threshold", x1: left, x2: right });
  const label = svg("text", { class: "threshold-label", x: right, "text-anchor": "end" });
  const dots = points.map((one) => dotOf(one, x, y));
  const over = svg("g", { class: "over-all", "aria-hidden": "true" }); // the chosen lie above the others
  const node = svg(
    "svg",
    {
      width,
      height: HEIGHT,
      role: "group",
      "aria-label": `Cost and expected completion of ${points.length} candidates. Arrow keys go from one to the next.`,
    },
    y.ticks.map((tick) => [
      svg("line", { class: "grid", x1: left, x2: right, y1: y.at(tick), y2: y.at(tick) }),
      svg("text", { class: "tick", x: left - 8, y: y.at(tick) + 4, "text-anchor": "end" }, plainPercent(tick)),
    ]),
    x.ticks.map((tick) => [
      svg("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: top, y2: bottom }),
      svg("text", { class: "tick", x: x.at(tick), y: bottom + 17, "text-anchor": "middle" }, axisMoney(tick)),
    ]),
    svg("text", { class: "tick", x: right, y: HEIGHT - 5, "text-anchor": "end" }, "cost of 1,000 requests →"),
    svg("path", { class: "frontier", d: frontier(points, x, y, right) }),
    line,
    label,
    dots,
    over,
  );
  return { node, dots, line, label, x, y, width, over };
}

/** @param {Point} one @param {Rightwards} x @param {Upwards} y */
function dotOf(one, x, y) {
  const [cx, cy] = [x.at(one.cost * 1000), y.at(one.mu)];
  const [low, high] = ends(one);
  return svg(
    "g",
    { class: "dot", role: "img", "data-testid": "point", "data-model": one.model_id },
    svg("line", { class: "whisker", x1: cx, x2: cx, y1: y.at(low), y2: y.at(high) }),
    svg("circle", { class: "reach", cx, cy, r: 12 }),
    svg("circle", { class: "halo", cx, cy, r: 9 }),
    svg("circle", { class: "mark", cx, cy, r: 4.5 }),
  );
}

// One sigma down and up. Sigma comes from not knowing the difficulty, which is in odds: taken there, as the axis is, it
// stays between 0 and 1.
/** @param {Point} point */
function ends({ mu, sigma }) {
  const slope = mu * (1 - mu);
  if (!(sigma > 0) || !(slope > 0)) return [mu, mu];
  const odds = Math.log(mu / (1 - mu));
  return [odds - sigma / slope, odds + sigma / slope].map((logit) => 1 / (1 + Math.exp(-logit)));
}

// The chosen points again, above all others, with their names; the strongest is named where there is room.
/**
 * @param {Point[]} points @param {Decision} decision @param {string[]} selected
 * @param {{x: Rightwards, y: Upwards, width: number}} drawing
 */
function namesOf(points, decision, selected, { x, y, width }) {
  const chosen = points.filter((one) => selected.includes(one.model_id));
  const strongest = points.find((one) => one.model_id === decision.strongest?.model_id);
  /** @type {[number, number][]} */
  const placed = [];
  /** @param {Point} one @param {string} kind */
  const name = (one, kind) => {
    const [px, py] = [x.at(one.cost * 1000), y.at(one.mu)];
    if (placed.some(([qx, qy]) => Math.abs(qy - py) < 15 && Math.abs(qx - px) < 260)) return null;
    placed.push([px, py]);
    const atEnd = px > width * 0.6;
    return svg(
      "text",
      {
        class: `point-name ${kind}`,
        x: px + (atEnd ? -11 : 11),
        y: py + (kind === "chosen-name" ? 19 : -10),
        "text-anchor": atEnd ? "end" : "start",
      },
      shortName(one.model_id),
    );
  };
  return [
    ...chosen.map((one) =>
      svg("circle", { class: "chosen-mark", cx: x.at(one.cost * 1000), cy: y.at(one.mu), r: 6.5 }),
    ),
    ...chosen.map((one) => name(one, "chosen-name")),
    strongest && !chosen.includes(strongest) ? name(strongest, "strongest-name") : null,
  ].filter((node) => node !== null);
}

// The best completion that money buys: a step at each candidate that no cheaper one reaches.
/** @param {Point[]} points @param {Rightwards} x @param {Upwards} y @param {number} right */
function frontier(points, x, y, right) {
  let best = -Infinity;
  let path = "";
  for (const one of points) {
    if (one.mu <= best) continue;
    const [px, py] = [x.at(one.cost * 1000), y.at(one.mu)];
    path += path === "" ? `M${px} ${py}` : `H${px}V${py}`;
    best = one.mu;
  }
  return `${path}H${right}`;
}

/** @param {number} value */
function axisMoney(value) {
  return `$${value.toLocaleString("en-US", { maximumSignificantDigits: 1 })}`;
}

/** @param {Point} one @param {boolean} chosen */
function sentence(one, chosen) {
  const spread = one.sigma ? `, give or take ${percent(one.sigma)}` : "";
  return `${one.model_id}${chosen ? ", chosen" : ""}: completion ${percent(one.mu)}${spread}, ${money(one.cost * 1000)} per 1,000 requests`;
}

/** @param {Point} one @param {string[]} selected */
function details(one, selected) {
  return [
    el("strong", {}, shortName(one.model_id)),
    selected.includes(one.model_id) ? el("span", { class: "badge chosen-badge" }, "Chosen") : null,
    el("span", {}, `${percent(one.mu)}${one.sigma ? ` ± ${percent(one.sigma)}` : ""}`),
    el("span", {}, `${money(one.cost * 1000)} per 1,000`),
    Number.isFinite(one.capability)
      ? el(
          "span",
          {},
          `capability ${number(one.capability, 2)}${one.capability_known === false ? " (assumed)" : ""}`,
        )
      : null,
  ].filter((node) => node !== null);
}

function hint() {
  return [
    el(
      "span",
      {},
      "Each point is a candidate; its whisker is one sigma. Point at one, or press Tab and the arrow keys.",
    ),
  ];
}
