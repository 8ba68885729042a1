// @ts-check
// The token of the API. It is asked for once, when the API wants one, kept for the tab, and sent as a header only:
// never in an address, never shown again.

import { byId } from "./dom.js";
import { keep, recall } from "./storage.js";
import { clearTrouble, showTrouble } from "./trouble.js";

const KEY = "pointsman.token";
const WAIT_MS = 30_000;
/** @param {number} status */
const refuses = (status) => status === 401 || status === 403;

let token = recall("sessionStorage", KEY);
/** @type {Promise<boolean> | null} */
let asking = null; // one dialog, however many calls wait for it

export function currentToken() {
  return token;
}

/** @param {Record<string, string>} headers @param {string | null} mine @returns {Record<string, string>} */
export function withToken(headers, mine = token) {
  return mine === null ? headers : { ...headers, Authorization: `Bearer ${mine}` };
}

/** @param {number} status */
export function isRefusal(status) {
  return refuses(status);
}

// After a refusal of `used` (null: no token was sent): true once there is another token to try, false if none is given.
/** @param {string | null} used @param {number} status */
export function anotherToken(used, status) {
  if (token !== used) return Promise.resolve(true);
  asking ??= ask(used, status).finally(() => {
    asking = null;
  });
  return asking;
}

export function startAccess() {
  byId("forget").addEventListener("click", () => set(null));
  set(token);
}

/** @param {string | null} next */
function set(next) {
  if (next !== token) keep("sessionStorage", KEY, next);
  token = next;
  byId("forget").hidden = next === null;
}

/** @param {string | null} used @param {number} status @returns {Promise<boolean>} */
function ask(used, status) {
  const dialog = byId("access", HTMLDialogElement);
  const input = byId("token", HTMLInputElement);
  const place = byId("token-error");
  if (used !== null) {
    set(null);
    showTrouble(place, { message: `The token of this tab is no longer accepted (HTTP ${status}).` });
  }
  input.value = "";
  return new Promise((resolve) => {
    /** @type {AbortController | null} */
    let checking = null;
    /** @param {boolean} given */
    const done = (given) => {
      checking?.abort();
      listeners.abort();
      clearTrouble(place);
      input.value = "";
      dialog.close();
      resolve(given);
    };
    const listeners = new AbortController();
    /** @param {EventTarget} target @param {string} event @param {(event: Event) => void} listener */
    const on = (target, event, listener) =>
      target.addEventListener(event, listener, { signal: listeners.signal });
    on(byId("access-form"), "submit", async (event) => {
      event.preventDefault();
      checking?.abort();
      const mine = (checking = new AbortController());
      const given = input.value.trim().replace(/^bearer\s+/i, "");
      byId("access-go").setAttribute("aria-busy", "true");
      const wrong = await faultOf(given, mine.signal);
      if (mine.signal.aborted) return;
      byId("access-go").setAttribute("aria-busy", "false");
      if (wrong === null) {
        set(given);
        done(true);
        return;
      }
      showTrouble(place, { message: wrong });
      input.setAttribute("aria-invalid", "true");
      input.focus();
    });
    on(input, "input", () => input.removeAttribute("aria-invalid"));
    on(byId("access-cancel"), "click", () => done(false));
    on(dialog, "cancel", (event) => {
      event.preventDefault();
      done(false);
    });
    dialog.showModal();
  });
}

// What is wrong with a token, in words; null if the API takes it.
/** @param {string} given @param {AbortSignal} signal */
async function faultOf(given, signal) {
  if (given === "") return "Paste the token first.";
  if (!/^[\x21-\x7e]+$/.test(given)) return "This is not a token: it has spaces or characters that none has.";
  try {
    const response = await fetch("api/health", {
      headers: withToken({ Accept: "application/json" }, given),
      signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]),
    });
    await response.body?.cancel();
    if (refuses(response.status)) {
      return `The API does not accept this token (HTTP ${response.status}). Check that it is whole and still valid.`;
    }
    if (!response.ok)
      return `The token could not be checked: the API answered HTTP ${response.status}. Try again.`;
    return null;
  } catch {
    return "The token could not be checked: the server could not be reached. Try again.";
  }
}
