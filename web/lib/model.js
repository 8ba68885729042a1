// @ts-check
// A candidate's id as an element: left to right whatever surrounds it, breakable after the maker's name and before the
// effort, which are quieter.

import { el } from "./dom.js";

/** @param {string} id */
export function modelName(id) {
  const text = String(id);
  const cut = text.indexOf("/") + 1;
  const at = text.includes("@", cut) ? text.indexOf("@", cut) : text.length;
  return el(
    "span",
    { class: "model", dir: "ltr" },
    cut > 0 ? el("span", { class: "maker" }, text.slice(0, cut)) : null,
    cut > 0 ? el("wbr") : null,
    text.slice(cut, at),
    at < text.length ? el("wbr") : null,
    at < text.length ? el("span", { class: "effort", title: "effort" }, text.slice(at)) : null,
  );
}

/** @param {string} id */
export function shortName(id) {
  const text = String(id);
  return text.slice(text.indexOf("/") + 1);
}
