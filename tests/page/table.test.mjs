import assert from "node:assert/strict";
import { test } from "node:test";

import "./document.mjs";

import { sortableTable } from "../../web/lib/table.js";

const ROWS = ["b", "a", "ö", "z", "o", null, "d", "e"].map((name, i) => ({ id: `m${i}`, name, cost: i === 2 ? null : 9 - i }));

function tableOf(options = {}) {
  return sortableTable({
    columns: [
      { name: "Name", cell: (row) => row.name ?? "–", sort: (row) => row.name },
      { name: "Cost", cell: (row) => String(row.cost), sort: (row) => row.cost, down: true, kind: "number" },
      { name: "Note", cell: () => "note" },
    ],
    rows: ROWS,
    key: (row) => row.id,
    by: { column: 0 },
    caption: "Models",
    testid: "model",
    ...options,
  });
}

const bodyRows = (table) => [...table.node.querySelectorAll("tbody tr")];
const names = (table) =>
  bodyRows(table)
    .filter((tr) => !tr.hidden)
    .map((tr) => tr.querySelector("th").textContent);
const heading = (table, name) =>
  [...table.node.querySelectorAll("thead th")].find((th) => th.textContent === name);
const press = (table, name) => heading(table, name).querySelector("button").click();

test("rows come sorted as a reader of names expects, and what is missing last", () => {
  assert.deepEqual(names(tableOf()), ["a", "b", "d", "e", "o", "ö", "z", "–"]);
});

test("a heading sorts by its column, twice the other way round, and says which way", () => {
  const table = tableOf();
  press(table, "Cost");
  assert.equal(heading(table, "Cost").getAttribute("aria-sort"), "descending");
  assert.equal(heading(table, "Name").getAttribute("aria-sort"), null);
  assert.deepEqual(names(table).slice(0, 2), ["b", "a"]);
  press(table, "Cost");
  assert.equal(heading(table, "Cost").getAttribute("aria-sort"), "ascending");
  assert.deepEqual(names(table).slice(0, 2), ["e", "d"]);
});

test("a missing value comes last, whichever way it is sorted", () => {
  const table = tableOf();
  press(table, "Cost");
  assert.equal(names(table).at(-1), "ö");
  press(table, "Cost");
  assert.equal(names(table).at(-1), "ö");
});

test("a column that cannot be sorted has no button", () => {
  assert.equal(heading(tableOf(), "Note").querySelector("button"), null);
});

test("a long table starts short, keeps what must be seen, and opens on asking", () => {
  const table = tableOf({ limit: 2, keep: (row) => row.name === "z" });
  assert.deepEqual(names(table), ["a", "b", "z"]);
  const more = table.node.querySelector("[data-testid=all-models]");
  assert.equal(more.hidden, false);
  assert.equal(more.textContent, "Show all 8");
  more.click();
  assert.equal(names(table).length, 8);
  assert.equal(more.getAttribute("aria-expanded"), "true");
  more.click();
  assert.equal(names(table).length, 3);
});

test("a table of two more than its limit is shown whole: a button would take as much room", () => {
  const table = tableOf({ limit: 6 });
  assert.equal(names(table).length, 8);
  assert.equal(table.node.querySelector("[data-testid=all-models]").hidden, true);
});

test("a filter shows what fits and says how many", () => {
  const table = tableOf();
  assert.equal(
    table.filter((row) => row.name === "a" || row.name === "z"),
    2,
  );
  assert.deepEqual(names(table), ["a", "z"]);
  assert.equal(
    table.filter(() => true),
    8,
  );
});

test("cells are text, never markup", () => {
  const table = tableOf({ rows: [{ id: "x", name: "<b>bold</b>", cost: 1 }] });
  assert.equal(table.node.querySelector("tbody th b"), null);
  assert.deepEqual(names(table), ["<b>bold</b>"]);
});
