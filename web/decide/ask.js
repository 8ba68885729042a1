// @ts-check
// The request form. It sends what is filled in and nothing else, and shows each refusal at the field it is about.

import { asTrouble, postRoute } from "../lib/api.js";
import { byId, isA, setBusy } from "../lib/dom.js";
import { newestOnly } from "../lib/newest.js";
import { startPrompt } from "./prompt.js";
import { estimatedTokens } from "./tokens.js";
import { clearTrouble, showTrouble } from "../lib/trouble.js";

/** @typedef {import("../lib/api.js").Asking} Asking */
/** @typedef {import("../lib/api.js").Decision} Decision */
/** @typedef {import("../lib/trouble.js").Remark} Remark */
/** @typedef {keyof typeof FIELDS} Field A field of the form, as the API names it. */
/** @typedef {{message?: string | null, retry?: (() => void) | null}} Whole What is about no single field. */

// The field as the API names it -> the input, and the place of its errors.
const FIELDS = /** @type {const} */ ({
  prompt: ["prompt", "prompt-error"],
  config: ["config", "config-error"],
  task: ["task", "task-error"],
  preferred_input_modalities: [null, "modalities-error"],
  max_output_tokens: ["max-output-tokens", "max-output-tokens-error"],
  worth_usd: ["worth", "worth-error"],
});
const FOLDED = new Set(["task", "preferred_input_modalities", "max_output_tokens", "worth_usd"]);
const NUMBERS = /** @type {const} */ ([
  ["max_output_tokens", "Give a whole number"],
  ["worth_usd", "Give an amount in US dollars"],
]);
const COUNT_AFTER_MS = 120;

// `onStart` is called with a way to cancel when a request is sent, `onFailure` when the newest one failed. `onDecision`
// gets each decision and a test of whether it answers the newest request; only such a one may be shown.
/**
 * @param {object} listeners
 * @param {(cancel: () => void) => void} listeners.onStart
 * @param {(decision: Decision, isNewest: () => boolean) => unknown} listeners.onDecision
 * @param {() => void} listeners.onFailure
 */
export function startAsk({ onStart, onDecision, onFailure }) {
  const form = byId("route-form");
  const prompt = byId("prompt", HTMLTextAreaElement);
  const button = byId("decide-button");
  const general = byId("decide-error");
  const begin = newestOnly();
  const whole = startPrompt(prompt, byId("prompt-held"));
  /** @type {string | null} */
  let waitingFor = null;

  async function send() {
    const { request, problems } = read();
    if (problems.length > 0) {
      clearAll();
      showRemarks(problems);
      return;
    }
    const key = JSON.stringify(request);
    if (key === waitingFor) return; // the same request is already on its way
    waitingFor = key;
    const isCurrent = begin();
    const stop = new AbortController();
    setBusy(button, true, "Deciding…");
    onStart(() => stop.abort());
    try {
      const decision = await postRoute(request, stop.signal);
      if (isCurrent()) clearAll();
      await onDecision(decision, isCurrent);
    } catch (error) {
      if (!isCurrent()) return;
      clearAll();
      const trouble = asTrouble(error);
      if (!trouble.cancelled) showRefusal(trouble);
      onFailure();
    }
    if (isCurrent()) {
      waitingFor = null;
      setBusy(button, false, "Decide");
    }
  }

  function read() {
    /** @type {Remark[]} */
    const problems = [];
    /** @type {Asking} */
    const request = { prompt: whole.text(), config: byId("config", HTMLSelectElement).value };
    if (request.prompt.trim() === "") {
      problems.push({
        field: "prompt",
        message: "The prompt is empty.",
        remedy: "Write or paste one, or click an example.",
      });
    }
    if (request.config === "") delete request.config;
    const task = byId("task", HTMLInputElement).value.trim();
    if (task !== "") request.task = task;
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[name=modality]:checked"));
    const modalities = /** @type {Asking["preferred_input_modalities"]} */ ([...boxes].map((box) => box.value));
    if (boxes.length > 0) request.preferred_input_modalities = modalities;
    for (const [name, remedy] of NUMBERS) {
      const input = byId(FIELDS[name][0], HTMLInputElement);
      if (input.validity.badInput) {
        const message = "This is not a number.";
        problems.push({ field: name, message, remedy: `${remedy} or leave it empty.` });
      } else if (input.value !== "") {
        request[name] = Number(input.value);
      }
    }
    return { request, problems };
  }

  /** @param {import("../lib/api.js").Trouble} trouble */
  function showRefusal(trouble) {
    const retry = trouble.retry ? send : null;
    const remarks =
      trouble.errors.length === 0 && trouble.status === 413
        ? [{ field: "prompt", message: trouble.message }]
        : trouble.errors;
    if (remarks.length === 0) {
      showTrouble(general, { message: trouble.message, retry });
    } else {
      showRemarks(remarks, { message: trouble.message, retry });
    }
  }

  // What is about a field goes there. The rest, and Retry, goes beside the button.
  /** @param {Remark[]} remarks @param {Whole} whole */
  function showRemarks(remarks, { message = null, retry = null } = {}) {
    const rest = remarks.filter((one) => fieldOf(one) === null);
    for (const [name, [inputId, placeId]] of Object.entries(FIELDS)) {
      const mine = remarks.filter((one) => fieldOf(one) === name);
      if (mine.length === 0) continue;
      if (FOLDED.has(name)) byId("options", HTMLDetailsElement).open = true;
      showTrouble(byId(placeId), { remarks: mine });
      if (inputId !== null) byId(inputId).setAttribute("aria-invalid", "true");
    }
    if (rest.length > 0) {
      const named = rest.map((one) => ({
        ...one,
        message: one.field ? `${one.message} (${one.field})` : one.message,
      }));
      showTrouble(general, { remarks: named, retry });
    } else if (retry !== null) {
      showTrouble(general, { message, retry });
    }
    form.querySelector(".trouble:not([hidden])")?.scrollIntoView({ block: "nearest" });
  }

  function clearAll() {
    clearTrouble(general);
    for (const field of Object.values(FIELDS)) clearField(field);
  }

  /** @param {(typeof FIELDS)[Field]} field */
  function clearField([inputId, placeId]) {
    clearTrouble(byId(placeId));
    if (inputId !== null) byId(inputId).removeAttribute("aria-invalid");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      send();
    }
  });
  form.addEventListener("input", ({ target }) => {
    const own = isA(target) ? target.getAttribute("name") : null;
    const name = own === "modality" ? "preferred_input_modalities" : own;
    if (isField(name)) clearField(FIELDS[name]);
  });
  startCount(prompt, whole, byId("token-count"));
}

// Counting waits until the typing rests, so that no key press waits for it.
/** @param {HTMLTextAreaElement} prompt @param {{text: () => string}} whole @param {HTMLElement} place */
function startCount(prompt, whole, place) {
  /** @type {number | undefined} */
  let timer;
  const tell = () => {
    const tokens = estimatedTokens(whole.text());
    place.textContent =
      tokens === 0 ? "" : `about ${tokens.toLocaleString("en-US")} ${tokens === 1 ? "token" : "tokens"}`;
  };
  prompt.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(tell, COUNT_AFTER_MS);
  });
  tell(); // a browser may bring back what was typed before
}

// "prompt", "/prompt", "body.prompt" and "preferred_input_modalities[0]" name fields of the form.
/** @param {Remark} remark */
function fieldOf(remark) {
  return String(remark.field ?? "").split(/[^A-Za-z_]+/).find(isField) ?? null;
}

/** @param {string | null} name @returns {name is Field} */
function isField(name) {
  return name !== null && Object.hasOwn(FIELDS, name);
}
