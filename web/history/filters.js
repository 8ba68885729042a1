// @ts-check
// What the history is narrowed to: config, model and dates by the server, words in what is loaded by the page.

import { byId, el, list } from "../lib/dom.js";

const SEARCH_AFTER_MS = 100;

// `onWhere` is called when the server has to be asked anew, `onWords` when only the words have changed.
/** @param {{onWhere: () => void, onWords: () => void}} listeners */
export function startFilters({ onWhere, onWords }) {
  const words = byId("history-search", HTMLInputElement);
  const config = byId("history-config", HTMLSelectElement);
  const model = byId("history-model", HTMLSelectElement);
  const since = byId("history-since", HTMLInputElement);
  const until = byId("history-until", HTMLInputElement);
  const clear = byId("history-clear");
  /** @type {Set<string>} */
  const models = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  function tellClear() {
    clear.hidden = ![words, config, model, since, until].some((input) => input.value !== "");
  }

  for (const input of [config, model, since, until]) {
    input.addEventListener("change", () => {
      tellClear();
      onWhere();
    });
  }
  words.addEventListener("input", () => {
    tellClear();
    clearTimeout(timer);
    timer = setTimeout(onWords, SEARCH_AFTER_MS);
  });
  clear.addEventListener("click", () => {
    for (const input of [words, config, model, since, until]) input.value = "";
    tellClear();
    words.focus();
    onWhere();
  });
  tellClear();

  return {
    where: () => ({
      config: config.value,
      model: model.value,
      since: startOfDay(since.value, 0),
      until: startOfDay(until.value, 1),
    }),
    isNarrowed: () => !clear.hidden,
    hasWords: () => words.value.trim() !== "",
    // A test of one call: every word must be in its prompt, config, models or id.
    matcher() {
      const wanted = words.value.trim().toLowerCase().split(/\s+/);
      /** @param {string} text */
      return (text) => wanted.every((word) => text.includes(word));
    },
    /** @param {import("../lib/api.js").Config[]} configs */
    offerConfigs(configs) {
      offer(
        config,
        configs.map((one) => one.name),
        "All configs",
      );
      this.offerModels(configs.flatMap((one) => list(one.models)));
    },
    // Models of the configs, and those that were met in the history, wherever they have gone since.
    /** @param {readonly string[]} ids */
    offerModels(ids) {
      const before = models.size;
      for (const id of ids) {
        const [model] = String(id).split("@");
        models.add(model).add(String(id)); // a model stands for all of its efforts
      }
      if (models.size > before) offer(model, [...models].sort(), "All models");
    },
  };
}

// A choice keeps what is chosen in it, offered or not.
/** @param {HTMLSelectElement} select @param {string[]} names @param {string} all */
function offer(select, names, all) {
  const wanted = select.value;
  const offered = wanted === "" || names.includes(wanted) ? names : [...names, wanted];
  select.replaceChildren(
    el("option", { value: "" }, all),
    ...offered.map((name) => el("option", { value: name }, name)),
  );
  select.value = wanted;
}

// The first instant of a day of this place, some days later; dates are written as 2026-11-25.
/** @param {string} text @param {number} later */
function startOfDay(text, later) {
  const found = /^(\d{4,6})-(\d\d)-(\d\d)$/.exec(text);
  if (found === null) return "";
  const at = new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]) + later);
  return at.getFullYear() > 9999 ? "" : at.toISOString();
}
