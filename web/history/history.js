// @ts-check
// The past decisions, newest first and without end. A decision is listed once, rows that are open stay open while
// others come, and what is summed or saved is exactly what is shown.

import { asTrouble, getHistory } from "../lib/api.js";
import { callRow, startRowKeys, textOf } from "./calls.js";
import { byId, isA, setBusy } from "../lib/dom.js";
import { startFilters } from "./filters.js";
import { count } from "../lib/format.js";
import { newestOnly } from "../lib/newest.js";
import { csvOf, jsonLinesOf, saveAs } from "./save.js";
import { modelsOf, showTotals } from "./totals.js";
import { clearTrouble, showFailure } from "../lib/trouble.js";

/** @typedef {import("../lib/api.js").Call} Call */
/** @typedef {import("../lib/api.js").Page} Page */
/** @typedef {{call: Call, row: HTMLElement, text: string}} Shown */

const [PAGE_SIZE, SEARCHED_SIZE] = [50, 200];
const AHEAD = "800px";

export function startHistory() {
  const rows = byId("history");
  const refresh = byId("refresh");
  const older = byId("older");
  const troubleAbove = byId("history-error");
  const troubleBelow = byId("older-error");
  const beginTop = newestOnly();
  const beginOlder = newestOnly();
  /** @type {Map<string, Shown>} */
  const shown = new Map(); // id -> {call, row, text}, in no order; the list has the order
  /** @type {string | null} */
  let cursor = null;
  let unread = 0;
  let isStarted = false;
  let isStalled = false; // the last page brought nothing new, so going on is left to the button
  const filters = startFilters({ onWhere: startOver, onWords: tell });

  // Newest page. With `keep`, rows already shown stay and only the new ones are put above them.
  async function loadTop({ keep = false } = {}) {
    isStarted = true;
    const isCurrent = beginTop();
    setBusy(refresh, true, "Loading…");
    try {
      const page = await getHistory(PAGE_SIZE, filters.where());
      if (!isCurrent()) return;
      clearTrouble(troubleAbove);
      if (keep && page.calls.some((call) => shown.has(call?.id))) addAbove(page.calls);
      else replaceAll(page);
    } catch (error) {
      if (!isCurrent()) return;
      showFailure(troubleAbove, "The history could not be loaded.", asTrouble(error), () => loadTop({ keep }));
    }
    if (isCurrent()) setBusy(refresh, false, "Refresh");
    tell();
  }

  async function loadOlder() {
    const isCurrent = beginOlder();
    setBusy(older, true, "Loading…");
    try {
      const size = filters.hasWords() ? SEARCHED_SIZE : PAGE_SIZE;
      const page = await getHistory(size, { ...filters.where(), cursor });
      if (!isCurrent()) return;
      clearTrouble(troubleBelow);
      const first = addBelow(page.calls);
      isStalled = first === null;
      if (document.activeElement === older) first?.querySelector("button")?.focus({ preventScroll: true });
      cursor = page.next ?? null;
    } catch (error) {
      if (!isCurrent()) return;
      const trouble = asTrouble(error);
      showFailure(
        troubleBelow,
        "Older decisions could not be loaded.",
        trouble,
        trouble.retry ? loadOlder : null,
      );
    }
    older.setAttribute("aria-busy", "false");
    tell();
  }

  /** @param {Page} page */
  function replaceAll(page) {
    beginOlder(); // an older page that is still on its way belongs to the list that goes
    clearTrouble(troubleBelow);
    shown.clear();
    unread = 0;
    isStalled = false;
    rows.replaceChildren();
    addBelow(page.calls);
    cursor = page.next ?? null;
    older.setAttribute("aria-busy", "false");
  }

  // Rows of another filter must not stand under this one, not even while its own are on their way.
  function startOver() {
    if (!isStarted) return;
    replaceAll({ calls: [], next: null });
    loadTop();
  }

  /** @param {Call[]} calls */
  function addAbove(calls) {
    rows.prepend(...fresh(calls));
  }

  /** @param {Call[]} calls */
  function addBelow(calls) {
    const added = fresh(calls);
    rows.append(...added);
    return added[0] ?? null;
  }

  // A row for each call that is not shown yet. What is no decision at all is counted and passed over.
  /** @param {Call[]} calls */
  function fresh(calls) {
    const readable = calls.filter((call) => typeof call?.id === "string");
    unread += calls.length - readable.length;
    filters.offerModels(modelsOf(readable));
    return readable
      .filter((call) => !shown.has(call.id))
      .map((call) => {
        const row = callRow(call);
        shown.set(call.id, { call, row, text: textOf(call) });
        return row;
      });
  }

  // The calls that are shown, as the list has them.
  function visible() {
    return [...rows.children].flatMap((row) => {
      const one = isA(row) && !row.hidden ? shown.get(row.dataset.id ?? "") : undefined;
      return one ? [one.call] : [];
    });
  }

  function tell() {
    const matches = filters.matcher();
    for (const { row, text } of shown.values()) row.hidden = !matches(text);
    const calls = visible();
    const searched = calls.length < shown.size ? ` of ${count(shown.size)} loaded` : "";
    const skipped = unread > 0 ? `, ${unread} could not be read` : "";
    byId("history-count").textContent =
      shown.size + unread === 0 ? "" : `${count(calls.length)} shown${searched}${skipped}`;
    byId("history-empty").hidden = calls.length > 0 || !troubleAbove.hidden || isLoading();
    byId("history-empty").textContent = filters.isNarrowed()
      ? "No decision matches."
      : "No decisions yet. The first one that is made appears here.";
    for (const name of ["save-csv", "save-jsonl"]) byId(name, HTMLButtonElement).disabled = calls.length === 0;
    older.hidden = cursor === null;
    if (older.getAttribute("aria-busy") !== "true") {
      older.textContent = filters.hasWords() ? `Search ${SEARCHED_SIZE} older decisions` : "Older";
    }
    showTotals(calls, cursor !== null);
    watch.unobserve(older);
    watch.observe(older); // tells anew where it is, also when it has not moved out of sight
  }

  function isLoading() {
    return refresh.getAttribute("aria-busy") === "true";
  }

  // Going down loads what is older. A search does not: it could go on to the first decision ever made.
  const watch = new IntersectionObserver(
    ([seen]) => {
      const idle = older.getAttribute("aria-busy") !== "true" && troubleBelow.hidden && !isStalled;
      if (!seen.isIntersecting || cursor === null || !idle || filters.hasWords()) return;
      // What comes pushes the button down; taken away meanwhile, nothing is seen to move.
      older.hidden = document.activeElement !== older;
      loadOlder();
    },
    { rootMargin: AHEAD },
  );

  /** @param {string} ending @param {string} type @param {(calls: Call[]) => string} textOfCalls */
  function save(ending, type, textOfCalls) {
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "");
    saveAs(`pointsman-history-${stamp}.${ending}`, type, textOfCalls(visible()));
  }

  startRowKeys(rows);
  refresh.addEventListener("click", () => loadTop());
  older.addEventListener("click", () => {
    if (older.getAttribute("aria-busy") !== "true") loadOlder();
  });
  byId("save-csv").addEventListener("click", () => save("csv", "text/csv;charset=utf-8", csvOf));
  byId("save-jsonl").addEventListener("click", () => save("jsonl", "application/x-ndjson", jsonLinesOf));

  return {
    // The view is shown: the first time it loads, later it only adds what is new.
    show: () => loadTop({ keep: isStarted }),
    // Something was recorded; a list nobody has seen yet stays unloaded.
    refresh: () => isStarted && loadTop({ keep: true }),
    /** @param {import("../lib/api.js").Config[]} configs */
    offer: (configs) => filters.offerConfigs(configs),
  };
}
