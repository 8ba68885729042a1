// @ts-check
// The prompt box. A browser takes long to edit and to lay out a very long text, so one that comes at once is put in
// without its editing machinery, and a longer one still is held beside the box, which then shows its beginning and its
// end. What is sent is always the whole.

import { el } from "../lib/dom.js";
import { count } from "../lib/format.js";

const [SHORT, MOST_SHOWN, MOST_EDITED] = [8192, 65_536, 1_048_576];
const [HEAD, TAIL] = [8000, 2000];

// Gives {text}, the whole prompt. `note` is an empty, hidden element for a word about a text that is held.
/** @param {HTMLTextAreaElement} box @param {HTMLElement} note */
export function startPrompt(box, note) {
  /** @type {string | null} */
  let held = null;

  /** @param {string} text */
  function hold(text) {
    held = text;
    box.readOnly = true;
    const words =
      `A text of ${count(text.length)} characters is held whole and will be sent whole. ` +
      "The box shows its beginning and its end.";
    const edit = button("Edit it here", "edit-held", () => put(text));
    note.replaceChildren(
      el("p", {}, words),
      el(
        "div",
        {},
        text.length > MOST_EDITED ? null : edit,
        " ",
        button("Clear", "release", () => put("")),
      ),
    );
    note.hidden = false;
    box.value = `${text.slice(0, HEAD)}\n\n…\n\n${text.slice(-TAIL)}`;
    box.setSelectionRange(0, 0);
    told();
  }

  function release() {
    held = null;
    box.readOnly = false;
    note.hidden = true;
  }

  /** @param {string} text */
  function put(text) {
    release();
    box.value = text;
    told();
    box.focus();
  }

  function told() {
    box.dispatchEvent(new CustomEvent("input", { bubbles: true, detail: "ours" }));
  }

  // Pasting, dropping and whatever else inserts a text at once.
  box.addEventListener("beforeinput", (event) => {
    const text = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
    if (text.length <= SHORT) return;
    event.preventDefault();
    const [start, end] = [box.selectionStart, box.selectionEnd];
    if (box.value.length + text.length - (end - start) > MOST_SHOWN) {
      hold(box.value.slice(0, start) + text + box.value.slice(end));
    } else {
      box.setRangeText(text, start, end, "end");
      told();
    }
  });
  // Another text in the box, such as an example, takes the place of what is held.
  box.addEventListener("input", (event) => {
    if (!(event instanceof CustomEvent)) release();
  });
  return { text: () => held ?? box.value };
}

/** @param {string} text @param {string} testid @param {() => void} click */
function button(text, testid, click) {
  return el("button", { type: "button", "data-testid": testid, on: { click } }, text);
}
