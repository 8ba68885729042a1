// @ts-check
// Tells that something is on its way: nothing for a moment, then for how long, then why it may take long.

import { el } from "./dom.js";

const WORTH_TELLING_MS = 1500;
const LONG_MS = 6000;

// Shows the wait in a place until the function it returns is called. `cancel` is what a button there does.
/** @param {HTMLElement} place @param {{text: string, cancel?: (() => void) | null}} what */
export function startWaiting(place, { text, cancel = null }) {
  const start = performance.now();
  const words = el("span", {}, text);
  const button =
    cancel === null
      ? null
      : el(
          "button",
          { type: "button", class: "quiet", "data-testid": "cancel", hidden: true, on: { click: cancel } },
          "Cancel",
        );
  const tell = () => {
    const waited = performance.now() - start;
    if (waited < WORTH_TELLING_MS) return;
    if (button) button.hidden = false;
    const why = waited < LONG_MS ? "" : " A server that has slept takes longer for its first answer.";
    words.textContent = `${text} ${Math.floor(waited / 1000)} s.${why}`;
  };
  const timer = setInterval(tell, 500);
  place.replaceChildren(...(button ? [words, button] : [words]));
  place.hidden = false;
  return () => {
    clearInterval(timer);
    place.replaceChildren();
    place.hidden = true;
  };
}
