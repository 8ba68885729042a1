// @ts-check
// The share of each model over time, as stacked columns of equal spans of time; an empty span had no decision. The
// legend says the same in numbers, over the whole time.

import { el, list, svg } from "../lib/dom.js";
import { count, localTime, percent } from "../lib/format.js";
import { shortName } from "../lib/model.js";

const [COLUMNS, NAMED] = [32, 4];
const [WIDTH, HEIGHT] = [320, 64];

/** @typedef {{id: string, at: number}} Use */

/** @param {import("../lib/api.js").Call[]} calls */
export function sharesView(calls) {
  const uses = calls.flatMap((call) =>
    list(call.selected).map((id) => ({ id: String(id), at: Date.parse(call.ts) })),
  );
  const timed = uses.filter((use) => Number.isFinite(use.at));
  if (timed.length === 0) return null;
  const ranked = tally(timed);
  const named = ranked.length > NAMED + 1 ? ranked.slice(0, NAMED) : ranked;
  const places = new Map(named.map(([id], place) => [id, place]));
  /** @param {string} id */
  const placeOf = (id) => places.get(id) ?? named.length;
  const legend = named.map(([id, n], place) => ({ name: shortName(id), n, place }));
  const others = timed.length - legend.reduce((sum, one) => sum + one.n, 0);
  if (others > 0)
    legend.push({ name: `${ranked.length - named.length} others`, n: others, place: named.length });
  const words = legend.map((one) => `${one.name} ${percent(one.n / timed.length)}`).join(", ");
  return el(
    "figure",
    { class: "shares", "data-testid": "shares" },
    el("figcaption", {}, "Share of each model over time"),
    svg(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Share of each model over time. In all: ${words}.`,
      },
      columns(timed, placeOf, legend.length),
    ),
    el(
      "ul",
      { class: "legend" },
      legend.map((one) =>
        el(
          "li",
          { title: `${count(one.n)} of ${count(timed.length)}` },
          el("span", { class: `swatch share-${one.place}`, "aria-hidden": "true" }),
          el("span", { class: "name", dir: "ltr" }, one.name),
          el("span", { class: "muted" }, percent(one.n / timed.length)),
        ),
      ),
    ),
  );
}

// [id, uses], the most used first.
/** @param {Use[]} uses */
function tally(uses) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const { id } of uses) found.set(id, (found.get(id) ?? 0) + 1);
  return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

/** @param {Use[]} uses @param {(id: string) => number} placeOf @param {number} kinds */
function columns(uses, placeOf, kinds) {
  const first = uses.reduce((least, use) => Math.min(least, use.at), Infinity);
  const last = uses.reduce((most, use) => Math.max(most, use.at), -Infinity);
  const size = last > first ? COLUMNS : 1;
  const spans = Array.from({ length: size }, () => new Array(kinds).fill(0));
  for (const { id, at } of uses) {
    const span = Math.min(size - 1, Math.floor(((at - first) / (last - first || 1)) * size));
    spans[span][placeOf(id)] += 1;
  }
  const step = WIDTH / size;
  return spans.flatMap((counts, span) => {
    const all = counts.reduce((sum, n) => sum + n, 0);
    const from = localTime(new Date(first + ((last - first) / size) * span).toISOString()).slice(0, 16);
    let y = HEIGHT;
    return counts.map((n, place) => {
      if (n === 0) return null;
      const height = (n / all) * HEIGHT;
      y -= height;
      return svg(
        "rect",
        { class: `share-${place}`, x: span * step, y, width: Math.max(1, step - 1.5), height },
        svg("title", {}, `from ${from}: ${count(n)} of ${count(all)}`),
      );
    });
  });
}
