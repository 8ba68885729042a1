// @ts-check
// Shows an error at the place where it arose, in words, with Retry where that makes sense.
// A place is an empty, hidden element with role="alert"; it is shown only while it holds an error.

import { el } from "./dom.js";

/** @typedef {{message: string, remedy?: string, field?: string}} Remark */

/** @param {HTMLElement[]} places */
export function clearTrouble(...places) {
  for (const place of places) {
    place.hidden = true;
    place.replaceChildren();
  }
}

// What could not be done, and why: the server's remarks on single fields, or else its words on the whole.
/**
 * @param {HTMLElement} place @param {string} what @param {{message: string, errors: Remark[]}} trouble
 * @param {(() => void) | null} retry
 */
export function showFailure(place, what, trouble, retry) {
  if (trouble.errors.length > 0) {
    showTrouble(place, { message: what, remarks: trouble.errors, retry });
  } else {
    showTrouble(place, { message: `${what} ${trouble.message}`, retry });
  }
}

// `remarks` are {message, remedy}; `retry` is the function behind the Retry button, or null.
/**
 * @param {HTMLElement} place
 * @param {{message?: string | null, remarks?: Remark[], retry?: (() => void) | null}} trouble
 */
export function showTrouble(place, { message = null, remarks = [], retry = null }) {
  place.replaceChildren(
    ...(message === null ? [] : [el("p", { dir: "auto" }, message)]),
    ...paragraphs(remarks),
    ...(retry === null
      ? []
      : [el("button", { type: "button", "data-testid": "retry", on: { click: retry } }, "Retry")]),
  );
  place.hidden = false;
}

// Remarks with the same remedy are told as one: what is wrong as a list, then the remedy once.
/** @param {Remark[]} remarks */
function paragraphs(remarks) {
  /** @type {Map<string | undefined, Remark[]>} */
  const byRemedy = new Map();
  for (const one of remarks) byRemedy.set(one.remedy, [...(byRemedy.get(one.remedy) ?? []), one]);
  return [...byRemedy.values()].flatMap((group) => {
    const remedy = group[0].remedy ? sentence(group[0].remedy) : null;
    if (group.length === 1)
      return [el("p", { dir: "auto" }, [sentence(group[0].message), remedy].filter(Boolean).join(" "))];
    const list = el(
      "ul",
      {},
      group.map((one) => el("li", { dir: "auto" }, sentence(one.message))),
    );
    return remedy === null ? [list] : [list, el("p", { dir: "auto" }, remedy)];
  });
}

// "the prompt is empty" -> "The prompt is empty."; a name such as "maker/model" keeps its first letter.
/** @param {string} words */
function sentence(words) {
  const text = String(words).trim();
  const start = /^[a-z]+(?=\s)/.test(text) ? text.slice(0, 1).toUpperCase() : text.slice(0, 1);
  return `${start}${text.slice(1)}${/[.!?…。！？]$/.test(text) ? "" : "."}`;
}
