// A model's id as an element: left to right whatever surrounds it, and breakable after the maker's name.

import { el } from "./dom.js";

export function modelName(id) {
  const text = String(id);
  const cut = text.indexOf("/") + 1;
  return el("span", { class: "model", dir: "ltr" }, text.slice(0, cut), el("wbr"), text.slice(cut));
}
