// The past decisions, newest first. A decision is listed once, and rows that are open stay open while others come.

import { asTrouble, getDecision, getHistory } from "./api.js";
import { decisionView, reasonWords } from "./decision.js";
import { byId, el, setBusy } from "./dom.js";
import { localTime, money, percent } from "./format.js";
import { modelName } from "./model.js";
import { newestOnly } from "./newest.js";
import { clearTrouble, showFailure } from "./trouble.js";

const PAGE_SIZE = 20;

export function startHistory() {
  const list = byId("history");
  const filter = byId("history-config");
  const refresh = byId("refresh");
  const older = byId("older");
  const troubleAbove = byId("history-error");
  const troubleBelow = byId("older-error");
  const beginTop = newestOnly();
  const beginOlder = newestOnly();
  const shown = new Map();
  let cursor = null;

  // Newest page. With `keep`, rows already shown stay and only the new ones are put above them.
  async function loadTop({ keep = false } = {}) {
    const isCurrent = beginTop();
    setBusy(refresh, true, "Loading…");
    try {
      const page = await getHistory({ limit: PAGE_SIZE, config: filter.value });
      if (!isCurrent()) return;
      clearTrouble(troubleAbove);
      if (keep && page.calls.some((call) => shown.has(call.id))) {
        addAbove(page.calls);
      } else {
        replaceAll(page);
      }
    } catch (error) {
      if (!isCurrent()) return;
      showFailure(troubleAbove, "The history could not be loaded.", asTrouble(error), () =>
        loadTop({ keep }),
      );
    }
    if (isCurrent()) setBusy(refresh, false, "Refresh");
    tellCount();
  }

  async function loadOlder() {
    const isCurrent = beginOlder();
    setBusy(older, true, "Loading…");
    try {
      const page = await getHistory({ limit: PAGE_SIZE, config: filter.value, cursor });
      if (!isCurrent()) return;
      clearTrouble(troubleBelow);
      const first = addBelow(page);
      if (document.activeElement === older) first?.querySelector("button").focus();
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
    setBusy(older, false, "Older");
    older.hidden = cursor === null;
    tellCount();
  }

  function replaceAll(page) {
    beginOlder(); // an older page that is still on its way belongs to the list that goes
    clearTrouble(troubleBelow);
    shown.clear();
    list.replaceChildren();
    addBelow(page);
    cursor = page.next ?? null;
    setBusy(older, false, "Older");
    older.hidden = cursor === null;
  }

  // Rows of another filter must not stand under this one, not even while its own are on their way.
  function startOver() {
    replaceAll({ calls: [], next: null });
    loadTop();
  }

  function addAbove(calls) {
    for (const call of [...calls].reverse()) {
      if (shown.has(call.id)) continue;
      const row = callRow(call);
      shown.set(call.id, row);
      list.prepend(row);
    }
  }

  function addBelow(page) {
    let first = null;
    for (const call of page.calls) {
      if (shown.has(call.id)) continue;
      const row = callRow(call);
      shown.set(call.id, row);
      list.append(row);
      first ??= row;
    }
    return first;
  }

  function tellCount() {
    const size = shown.size;
    byId("history-count").textContent = size === 0 ? "" : `${size} shown`;
    byId("history-empty").hidden = size > 0 || !troubleAbove.hidden;
  }

  // The filter keeps what is chosen in it while it is still offered.
  function offerConfigs(names) {
    const wanted = filter.value;
    filter.replaceChildren(
      el("option", { value: "" }, "all"),
      ...names.map((name) => el("option", { value: name }, name)),
    );
    filter.value = names.includes(wanted) ? wanted : "";
    if (filter.value !== wanted) startOver();
  }

  refresh.addEventListener("click", () => loadTop());
  filter.addEventListener("change", startOver);
  older.addEventListener("click", () => {
    if (older.getAttribute("aria-busy") !== "true") loadOlder();
  });
  return { load: loadTop, offerConfigs };
}

// One row: a button that opens the whole decision below itself.
function callRow(call) {
  const detailId = `detail-${call.id}`;
  const detail = el("div", {
    id: detailId,
    class: "call-detail",
    "data-testid": "history-detail",
    hidden: true,
  });
  const preview = call.prompt_preview
    ? el("span", { class: "call-prompt", dir: "auto", "data-testid": "history-prompt" }, call.prompt_preview)
    : el("span", { class: "call-prompt muted" }, "prompt not stored");
  const button = el(
    "button",
    {
      type: "button",
      class: "call",
      "aria-expanded": "false",
      "aria-controls": detailId,
      "data-testid": "history-row",
    },
    el("time", { class: "call-time", datetime: call.ts, title: call.ts }, localTime(call.ts)),
    preview,
    el(
      "span",
      { class: "call-models" },
      call.selected.map((id) => modelName(id)),
    ),
    el(
      "span",
      { class: "call-config" },
      call.config,
      call.reason === "fallback"
        ? el("span", { class: "badge fallback", title: reasonWords(call.reason) }, "fallback")
        : null,
    ),
    el("span", { class: "call-quality" }, percent(call.expected_quality)),
    el("span", { class: "call-cost" }, money(call.cost)),
  );
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    detail.hidden = !open;
    if (open && detail.childElementCount === 0) fillDetail(detail, call.id);
  });
  return el("li", { "data-testid": "history-item", "data-id": call.id }, button, detail);
}

async function fillDetail(detail, id) {
  detail.replaceChildren(el("p", { class: "muted", role: "status" }, "Loading the decision…"));
  try {
    detail.replaceChildren(decisionView(await getDecision(id)));
  } catch (error) {
    const trouble = asTrouble(error);
    const place = el("div", { class: "trouble", role: "alert", "data-testid": "detail-error" });
    detail.replaceChildren(place);
    showFailure(
      place,
      "This decision could not be loaded.",
      trouble,
      trouble.retry ? () => fillDetail(detail, id) : null,
    );
  }
}
