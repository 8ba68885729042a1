// @ts-check
// The registry as a table: what each model scores and costs, since when, where that was read, and which configs use it.

import { asTrouble, getModels } from "../lib/api.js";
import { byId, el, list } from "../lib/dom.js";
import { DASH, count, number, price } from "../lib/format.js";
import { modelName } from "../lib/model.js";
import { sortableTable } from "../lib/table.js";
import { clearTrouble, showFailure } from "../lib/trouble.js";
import { startWaiting } from "../lib/waiting.js";

// `show` loads the registry the first time; it does not change while a server runs.
/** @typedef {import("../lib/api.js").Model} Model */

export function startModels() {
  const place = byId("models");
  const trouble = byId("models-error");
  const search = byId("models-search", HTMLInputElement);
  const told = byId("models-count");
  /** @type {ReturnType<typeof tableOf> | null} */
  let table = null;
  let state = "new";

  async function load() {
    if (state !== "new") return;
    state = "loading";
    const done = startWaiting(byId("models-wait"), { text: "Loading the models." });
    try {
      const models = (await getModels()).filter((model) => typeof model?.model_id === "string");
      clearTrouble(trouble);
      table = tableOf(models);
      place.replaceChildren(table.node);
      state = "loaded";
      filter();
    } catch (error) {
      state = "new";
      showFailure(trouble, "The models could not be loaded.", asTrouble(error), load);
    }
    done();
  }

  function filter() {
    if (table === null) return;
    const words = search.value.trim().toLowerCase().split(/\s+/);
    const found = table.filter((model) => {
      const text = haystack(model);
      return words.every((word) => text.includes(word));
    });
    const all = table.entries.length;
    told.textContent = found === all ? `${all} models` : `${found} of ${all} models`;
    byId("models-empty").hidden = found > 0;
  }

  search.addEventListener("input", filter);
  return { show: load };
}

/** @param {Model} model */
function haystack(model) {
  const parts = [
    model.model_id,
    ...list(model.aliases),
    ...list(model.configs),
    ...list(model.input_modalities),
    ...Object.keys(model.efforts ?? {}),
  ];
  return [...parts, model.capability === null ? "unscored" : ""].join(" ").toLowerCase();
}

/** @param {Model[]} models */
function tableOf(models) {
  /** @param {number | null | undefined} perThousand */
  const million = (perThousand) => (typeof perThousand === "number" ? perThousand * 1000 : null);
  /** @type {import("../lib/table.js").Column<Model>[]} */
  const columns = [
    {
      name: "Model",
      cell: (model) => [
        modelName(model.model_id),
        el("span", { class: "under" }, list(model.input_modalities).join(", ")),
        efforts(model),
      ],
      sort: (model) => model.model_id,
    },
    { name: "Capability", kind: "completion", cell: capability, sort: (model) => model.capability, down: true },
    {
      name: "Input",
      kind: "number",
      cell: (model) => (model.price === "unknown" ? "unknown" : price(million(model.input_cost_per_1k))),
      sort: (model) => million(model.input_cost_per_1k),
    },
    {
      name: "Output",
      kind: "number",
      cell: (model) => [price(million(model.output_cost_per_1k)), byTheHour(model)],
      sort: (model) => million(model.output_cost_per_1k),
    },
    {
      name: "Context",
      kind: "number",
      cell: (model) => [count(model.context_length), tiers(model)],
      sort: (model) => model.context_length ?? null,
      down: true,
    },
    {
      name: "Released",
      kind: "date",
      cell: (model) => model.release_date ?? "not published",
      sort: (model) => model.release_date,
      down: true,
    },
    {
      name: "Configs",
      kind: "configs",
      cell: (model) => list(model.configs).join(", ") || DASH,
      sort: (model) => list(model.configs).join() || null,
    },
    { name: "Sources", kind: "sources", cell: sources, sort: (model) => model.as_of, down: true },
  ];
  return sortableTable({
    columns,
    rows: models,
    key: (model) => model.model_id,
    by: { column: 1, down: true },
    caption: "The models of the registry. Prices are US dollars for a million tokens.",
    testid: "model",
  });
}

/** @param {Model} model */
function capability(model) {
  if (typeof model.capability !== "number") {
    return el("span", { class: "badge unscored", "data-testid": "unscored" }, "unscored");
  }
  const scores = [
    { name: "GPQA", score: model.benchmarks?.gpqa_diamond },
    { name: "LCB", score: model.benchmarks?.livecodebench },
  ].filter(({ score }) => typeof score === "number");
  return [
    el(
      "span",
      { class: "bar", "aria-hidden": "true", vars: { "--share": model.capability } },
      el("span", { class: "bar-fill" }),
    ),
    el("span", { class: "value" }, number(model.capability, 2)),
    el("span", { class: "under" }, scores.map(({ name, score }) => `${name} ${number(score, 1)}`).join(" · ")),
  ];
}

// Its levels of effort from least to most; the one that the API takes unasked is marked.
/** @param {Model} model */
function efforts(model) {
  const levels = Object.keys(model.efforts ?? {});
  if (levels.length === 0) return null;
  const named = levels.map((level) => (level === model.default_effort ? `${level} (default)` : level));
  return el("span", { class: "under", "data-testid": "efforts" }, `effort: ${named.join(", ")}`);
}

/** @param {Model} model */
function byTheHour(model) {
  const notes = [
    list(model.utc_price_overrides).length > 0 ? "varies by the hour" : null,
    list(model.long_context).length > 0 ? "more for long input" : null,
  ].filter(Boolean);
  return notes.length === 0 ? null : el("span", { class: "under" }, notes.join(", "));
}

// Above how much input a request costs more.
/** @param {Model} model */
function tiers(model) {
  const [first] = list(model.long_context);
  return first ? el("span", { class: "under" }, `dearer above ${count(first.above)}`) : null;
}

// A source is a link only if it is a web address; anything else stays text.
/** @param {Model} model */
function sources(model) {
  /** @type {Map<string, number>} */
  const met = new Map();
  const links = list(model.source_urls).map((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) return el("span", {}, String(text));
    const host = url.hostname.replace(/^www\./, "");
    const n = (met.get(host) ?? 0) + 1;
    met.set(host, n);
    const name = n > 1 ? `${host} ${n}` : host;
    return el("a", { href: url.href, title: url.href, target: "_blank", rel: "noreferrer noopener" }, name);
  });
  const separated = links.flatMap((link, place) => (place > 0 ? [", ", link] : [link]));
  return [el("span", {}, `read ${model.as_of ?? DASH}`), el("span", { class: "under" }, separated)];
}
