// @ts-check
// The decisions that are shown, as a file: CSV for spreadsheets, JSON lines for programs. A cell that a spreadsheet
// would run as a formula is marked as text with an apostrophe.

/** @typedef {import("../../build/page/api.d.ts").components["schemas"]["SummaryOut"]} Call */

/** @type {Record<string, (call: Call) => unknown>} */
const COLUMNS = {
  id: (call) => call.id,
  time: (call) => call.ts,
  caller: (call) => call.caller,
  config: (call) => call.config,
  selected: (call) => (Array.isArray(call.selected) ? call.selected.join(" ") : ""),
  expected_quality: (call) => call.expected_quality,
  cost_usd: (call) => call.cost,
  reason: (call) => call.reason,
  strongest: (call) => call.strongest?.model_id,
  strongest_cost_usd: (call) => call.strongest?.cost,
  prompt_preview: (call) => call.prompt_preview,
};

// The byte order mark tells spreadsheets that this is UTF-8.
/** @param {Call[]} calls */
export function csvOf(calls) {
  const lines = [Object.keys(COLUMNS), ...calls.map((call) => Object.values(COLUMNS).map((of) => of(call)))];
  return `\ufeff${lines.map((cells) => cells.map(cellOf).join(",")).join("\r\n")}\r\n`;
}

/** @param {Call[]} calls */
export function jsonLinesOf(calls) {
  return calls.map((call) => `${JSON.stringify(call)}\n`).join("");
}

/** @param {unknown} value */
function cellOf(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = String(value);
  const safe = /^\s*[=+\-@\t\r＝＋－＠]/.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {string} name @param {string} type @param {string} text */
export function saveAs(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
