// Replays decisions from standard input, a JSON array, and writes what the page would show of each.

import { readFileSync } from "node:fs";

import { explain, replayer } from "../../web/decide/policy.js";

const told = JSON.parse(readFileSync(0, "utf8")).map((one) => {
  const asked = { threshold: one.threshold, worth: one.worth_usd };
  const choice = replayer(one)(asked);
  return { ...choice, explanation: explain(choice, asked, one) };
});
process.stdout.write(JSON.stringify(told));
