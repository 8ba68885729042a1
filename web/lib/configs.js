// @ts-check
// The config picker. It always offers "auto", even while the configs have not been loaded.

import { asTrouble, getConfigs } from "./api.js";
import { byId, el, list } from "./dom.js";
import { money, plainPercent } from "./format.js";
import { modelName } from "./model.js";
import { newestOnly } from "./newest.js";
import { clearTrouble, showFailure } from "./trouble.js";

const MODELS_SHOWN_OPEN = 6;

// `onLoaded` gets the configs each time they have been loaded.
/** @typedef {import("./api.js").Config} Config */

/** @param {{onLoaded: (configs: Config[]) => void}} listeners */
export function startConfigs({ onLoaded }) {
  const select = byId("config", HTMLSelectElement);
  const place = byId("configs-error");
  const about = byId("config-about");
  const begin = newestOnly();
  /** @type {Config[]} */
  let configs = [];

  async function load() {
    const isCurrent = begin();
    about.setAttribute("aria-busy", "true");
    about.replaceChildren(el("p", { class: "muted" }, "Loading the configs…"));
    try {
      const loaded = await getConfigs();
      if (!isCurrent()) return;
      configs = loaded.filter((config) => typeof config?.name === "string");
      clearTrouble(place);
      offer();
      onLoaded(configs);
    } catch (error) {
      if (!isCurrent()) return;
      about.replaceChildren();
      showFailure(place, "The configs could not be loaded.", asTrouble(error), load);
    }
    about.setAttribute("aria-busy", "false");
  }

  function offer() {
    const wanted = select.value;
    const names = configs.map((config) => config.name);
    select.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
    select.value = [wanted, "auto"].find((name) => names.includes(name)) ?? names[0] ?? "";
    describe();
  }

  function describe() {
    const config = configs.find((one) => one.name === select.value);
    about.replaceChildren(...(config ? holding(config) : []));
  }

  select.addEventListener("change", describe);
  return { load };
}

/** @param {Config} config */
function holding(config) {
  const models = list(config.models);
  const candidates = config.candidates ?? models.length; // a model stands for as many as it has efforts here
  return [
    config.description ? el("p", { dir: "auto" }, config.description) : null,
    el(
      "dl",
      { class: "facts" },
      config.policy === "value"
        ? pair("Worth", money(config.worth_usd))
        : pair("Threshold", plainPercent(config.completion_threshold)),
      pair("Margin", plainPercent(config.fallback_quality_margin)),
      pair("Models", config.max_k > 1 ? `up to ${config.max_k} at once` : "1 at once"),
    ),
    el(
      "details",
      { open: models.length <= MODELS_SHOWN_OPEN },
      el("summary", {}, candidates === 1 ? "1 candidate" : `${candidates} candidates`),
      el(
        "ul",
        { class: "models" },
        models.map((id) => el("li", {}, modelName(id))),
      ),
    ),
  ].filter((node) => node !== null);
}

/** @param {string} term @param {string} value */
function pair(term, value) {
  return el("div", {}, el("dt", {}, term), el("dd", {}, value));
}
