import assert from "node:assert/strict";
import { test } from "node:test";

import { csvOf, jsonLinesOf } from "../../web/history/save.js";

const CALL = {
  id: "01M82Z82Z4MCQQ1X9T2N2H6NXX",
  ts: "2026-11-23T01:10:09.636Z",
  caller: null,
  config: "auto",
  selected: ["acme/one", "acme/two"],
  expected_quality: 0.91,
  cost: 0.0002,
  reason: "threshold",
  strongest: { model_id: "acme/three", cost: 0.5 },
  prompt_preview: "What is 1+1?",
};

// The cells of a CSV, read as RFC 4180 says.
function cells(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const row = rows.at(-1);
    if (text[at] === '"' && quoted && text[at + 1] === '"') row[row.length - 1] += text[(at += 1)];
    else if (text[at] === '"') quoted = !quoted;
    else if (text[at] === "," && !quoted) row.push("");
    else if (text.startsWith("\r\n", at) && !quoted) {
      rows.push([""]);
      at += 1;
    } else row[row.length - 1] += text[at];
  }
  return rows.slice(0, -1);
}

function saved(fields) {
  const [head, row] = cells(csvOf([{ ...CALL, ...fields }]).slice(1));
  return Object.fromEntries(head.map((name, place) => [name, row[place]]));
}

test("a file for spreadsheets has a heading, a line a decision, and says that it is UTF-8", () => {
  const text = csvOf([CALL, CALL]);
  assert.ok(text.startsWith("\ufeffid,time,"));
  assert.equal(cells(text.slice(1)).length, 3);
  const row = saved({});
  assert.equal(row.selected, "acme/one acme/two");
  assert.equal(row.cost_usd, "0.0002");
  assert.equal(row.strongest_cost_usd, "0.5");
  assert.equal(row.caller, "");
});

test("commas, quotes and line breaks stay inside their cell", () => {
  const prompt = 'He said "hi, there"\r\nand left; \t你好';
  assert.equal(saved({ prompt_preview: prompt }).prompt_preview, prompt);
});

test("what a spreadsheet would run is marked as text", () => {
  for (const formula of ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1", "－1"])
    assert.equal(saved({ prompt_preview: formula }).prompt_preview, `'${formula}`);
  assert.equal(saved({ prompt_preview: "a=1" }).prompt_preview, "a=1");
  assert.equal(saved({ cost: -1 }).cost_usd, "-1");
});

test("a decision without a strongest candidate is a line all the same", () => {
  assert.equal(saved({ strongest: undefined, selected: null }).strongest, "");
});

test("a file for programs gives every decision back", () => {
  const lines = jsonLinesOf([CALL, { ...CALL, prompt_preview: "a\nb" }]).trimEnd().split("\n");
  assert.deepEqual(lines.map(JSON.parse), [CALL, { ...CALL, prompt_preview: "a\nb" }]);
  assert.equal(jsonLinesOf([]), "");
});
