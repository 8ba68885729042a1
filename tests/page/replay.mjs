// Replays decisions from standard input, a JSON array, and writes what the page would show of each.

import { readFileSync } from "node:fs";

import { explain, replayer } from "../../web/decide/policy.js";

const told = JSON.parse(readFileSync(0, "utf8")).map((one) => {
  const choice = replayer(one)(one.threshold);
  return { ...choice, explanation: explain(choice, one.threshold, one) };
});
process.stdout.write(JSON.stringify(told));
