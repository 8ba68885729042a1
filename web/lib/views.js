// @ts-check
// The three views and the address that names each: #decide, #history, #models. What a view needs is fetched when it is
// first seen, so that the first view is there sooner.

import { byId } from "./dom.js";
import { clearTrouble, showTrouble } from "./trouble.js";

const NAMES = ["decide", "history", "models"];

// `starters` holds, for some views, a function that fetches and starts it and gives {show}.
/** @typedef {{show: () => unknown}} View */
/** @param {Record<string, () => Promise<View>>} starters */
export function startViews(starters) {
  /** @type {Map<string, Promise<View>>} */
  const started = new Map();
  /** @type {Map<string, number>} */
  const scrolled = new Map();
  /** @type {string | null} */
  let current = null;

  function turn() {
    const asked = location.hash.slice(1);
    const name = NAMES.includes(asked) ? asked : NAMES[0];
    if (name === current) return;
    if (current !== null) scrolled.set(current, window.scrollY);
    current = name;
    for (const one of NAMES) {
      byId(`${one}-view`).hidden = one !== name;
      const link = byId(`to-${one}`);
      if (one === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = name === NAMES[0] ? "Pointsman" : `${byId(`to-${name}`).textContent} · Pointsman`;
    if (starters[name]) show(name);
    window.scrollTo(0, scrolled.get(name) ?? 0);
  }

  /** @param {string} name */
  async function show(name) {
    const place = byId(`${name}-error`);
    const view = started.get(name) ?? starters[name]();
    started.set(name, view);
    try {
      (await view).show();
    } catch {
      started.delete(name);
      showTrouble(place, {
        message: "This view could not be fetched from the server.",
        retry: () => again(name, place),
      });
    }
  }

  /** @param {string} name @param {HTMLElement} place */
  function again(name, place) {
    clearTrouble(place);
    show(name);
  }

  window.addEventListener("hashchange", turn);
  turn();
}
