// @ts-check
// A table that sorts by its headings and, where it is long, starts short. Where it has no room its rows are cards and
// its headings a row of buttons. Missing values come last, whichever way it is sorted.

import { el } from "./dom.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} name
 * @property {(row: Row) => import("./dom.js").Child} cell
 * @property {(row: Row) => string | number | null | undefined} [sort]
 * @property {boolean} [down]
 * @property {string | null} [kind]
 */

// columns: {name, cell(row), sort(row), down, kind}; `down` sorts the largest first. A row for which `keep` holds is
// shown even while the table is short. Returns {node, refresh, entries, filter}.
/**
 * @template Row
 * @param {{columns: Column<Row>[], rows: Row[], key: (row: Row) => string, by: {column: number, down?: boolean},
 *   caption: string, testid: string, limit?: number, keep?: (row: Row) => boolean}} options
 */
export function sortableTable({
  columns,
  rows,
  key,
  by,
  caption,
  testid,
  limit = Infinity,
  keep = () => false,
}) {
  const heads = columns.map((column) => headOf(column));
  const entries = rows.map((row) => ({ row, tr: rowElement(columns, row, key(row), testid) }));
  const body = el("tbody", { role: "rowgroup" });
  const more = el("button", {
    type: "button",
    class: "more quiet",
    "data-testid": `all-${testid}s`,
    hidden: true,
  });
  const table = el(
    "table",
    { class: "rows", role: "table", "data-testid": `${testid}s` },
    el("caption", { class: "for-readers" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
    body,
  );
  let sorted = { column: columns[by.column], down: by.down };
  let whole = rows.length <= limit + 2;
  /** @type {(row: Row) => boolean} */
  let matches = () => true;

  function refresh() {
    const { column, down } = sorted;
    entries.sort((a, b) => compared(column.sort?.(a.row), column.sort?.(b.row), down));
    const found = entries.filter(({ row }) => matches(row));
    for (const { tr } of entries) tr.hidden = true;
    found.forEach(({ row, tr }, place) => {
      tr.hidden = !whole && place >= limit && !keep(row);
    });
    body.replaceChildren(...entries.map(({ tr }) => tr));
    heads.forEach((head, place) => {
      const way = columns[place] === column ? (down ? "descending" : "ascending") : null;
      if (way === null) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", way);
    });
    const rest = found.filter(({ tr }) => tr.hidden).length;
    more.hidden = rows.length <= limit + 2;
    more.setAttribute("aria-expanded", String(whole));
    more.textContent = whole ? "Show fewer" : `Show all ${rows.length}`;
    return { shown: found.length - rest, found: found.length };
  }

  /** @param {Column<Row>} column */
  function headOf(column) {
    const sort = () => {
      const again = sorted.column === column;
      sorted = { column, down: again ? !sorted.down : Boolean(column.down) };
      refresh();
    };
    const name = el("button", { type: "button", class: "sort", on: { click: sort } }, column.name);
    return el(
      "th",
      { scope: "col", role: "columnheader", class: column.kind },
      column.sort ? name : column.name,
    );
  }

  more.addEventListener("click", () => {
    whole = !whole;
    refresh();
  });
  refresh();
  return {
    node: el("div", { class: "rows-frame" }, table, more),
    refresh,
    entries,
    /** @param {(row: Row) => boolean} test */
    filter(test) {
      matches = test;
      return refresh().found;
    },
  };
}

/**
 * @template Row
 * @param {Column<Row>[]} columns @param {Row} row @param {string} id @param {string} testid
 */
function rowElement(columns, row, id, testid) {
  return el(
    "tr",
    { role: "row", "data-testid": testid, "data-model": id },
    columns.map(({ name, cell, kind }, place) =>
      place === 0
        ? el("th", { scope: "row", role: "rowheader", class: kind }, cell(row))
        : el("td", { role: "cell", class: kind, "data-label": name }, cell(row)),
    ),
  );
}

/**
 * @param {string | number | null | undefined} a @param {string | number | null | undefined} b
 * @param {boolean | undefined} down
 */
function compared(a, b, down) {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return Number(noA) - Number(noB);
  const order =
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
  return down ? -order : order;
}
