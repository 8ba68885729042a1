// @ts-check
// The policy of the server, in the page: the cheapest set of candidates whose expected completion clears the bars, or
// the one worth most. The same numbers in the same order of operations give the same floats, so a replay is exact. A
// test runs both on the same cases.

/**
 * @typedef {import("../../build/page/api.d.ts").components["schemas"]["DecisionOut"]} Whole
 * @typedef {Pick<Whole, "candidates" | "fallback_quality_margin" | "max_k"> & Partial<Whole>} Decision
 * @typedef {Whole["candidates"][number] & {cost: number}} Candidate One whose cost is known.
 * @typedef {{threshold: number, worth?: number | null}} Asked
 * @typedef {{ranks: number[], quality: number, cost: number, latency: number}} Set An unknown latency is Infinity.
 * @typedef {{selected: string[], expected_quality: number, asked_quality: number, cost: number, latency: number | null,
 *   reason: string}} Choice
 */

const MOST_SETS = 10_000;

// A function from {threshold, worth} (worth null: the cheapest) to the choice {selected, expected_quality,
// asked_quality, cost, latency, reason}; null where the decision does not hold what a replay needs. Everything that
// neither changes is computed once.
/** @param {Decision} decision @returns {((asked: Asked) => Choice) | null} */
export function replayer(decision) {
  const { candidates, fallback_quality_margin: margin, caution = 0 } = decision;
  const { within = null, worth_of_a_second: second = 0, max_cost_usd: most = null } = decision;
  if (!isReplayable(decision)) return null;
  // In the order of their ids (ASCII): a set's row of ranks then compares as its ids do.
  const order = candidates.map((_, place) => place);
  order.sort((a, b) => (candidates[a].model_id < candidates[b].model_id ? -1 : 1));
  const ranked = order.map((place) => /** @type {Candidate} */ (candidates[place]));
  const known = ranked.map((one) => one.latency_s ?? 0).filter((seconds) => seconds > 0);
  const slowest = Math.max(0, ...known);
  const sets = candidateSets(ranked.length, Math.min(decision.max_k, ranked.length))
    .map((ranks) => measured(ranks, ranked, caution))
    .filter((set) => most === null || set.ranks.length === 1 || set.cost <= most);
  const best = sets.reduce((highest, set) => Math.max(highest, set.quality), -Infinity);

  /** @param {Asked} asked */
  return function choose({ threshold, worth = null }) {
    const clears = best >= threshold;
    const reason = !clears ? "fallback" : worth === null ? "threshold" : "value";
    let bar = clears ? threshold : best - margin;
    if (within !== null) bar = Math.max(bar, best - within);
    let chosen = null;
    let value = -Infinity;
    for (const set of sets) {
      if (set.quality < bar) continue;
      const own = worth === null ? 0 : valueOf(set, worth, second, slowest);
      if (chosen === null || own > value || (own === value && isBefore(set, chosen))) {
        chosen = set;
        value = own;
      }
    }
    if (chosen === null) throw new RangeError("no set clears a bar that the best one set");
    const members = chosen.ranks.map((rank) => ranked[rank]).sort((a, b) => a.cost - b.cost);
    return {
      selected: members.map((member) => member.model_id),
      expected_quality: completion(chosen.ranks, (rank) => ranked[rank].mu),
      asked_quality: chosen.quality,
      cost: chosen.cost,
      latency: chosen.latency === Infinity ? null : chosen.latency,
      reason,
    };
  };
}

// What a decision asked for: its own threshold and worth.
/** @param {Decision & {completion_threshold: number}} decision @returns {{threshold: number, worth: number | null}} */
export function askedOf({ completion_threshold: threshold, worth_usd: worth = null }) {
  return { threshold, worth };
}

/** @param {Set} set @param {number} worth @param {number} second @param {number} slowest */
function valueOf(set, worth, second, slowest) {
  const value = worth * set.quality - set.cost;
  return second === 0 ? value : value - second * (set.latency === Infinity ? slowest : set.latency);
}

/** @param {Decision} decision */
function isReplayable({ candidates, max_k: k, caution = 0, fallback_quality_margin: margin, ...rest }) {
  const { within = null, worth_usd: worth = null, worth_of_a_second: second = 0, max_cost_usd: most = null } = rest;
  return (
    candidates.length > 0 &&
    candidates.every((one) => Number.isFinite(one?.mu) && Number.isFinite(one.cost)) &&
    (caution === 0 || candidates.every((one) => Number.isFinite(one.sigma))) &&
    new Set(candidates.map((one) => one.model_id)).size === candidates.length &&
    [1, 2, 3].includes(k) &&
    [margin, caution, second].every(Number.isFinite) &&
    [within, worth, most].every((value) => value === null || Number.isFinite(value)) &&
    howMany(candidates.length, k) <= MOST_SETS
  );
}

/** @param {number} n @param {number} k */
function howMany(n, k) {
  return [n, (n * (n - 1)) / 2, (n * (n - 1) * (n - 2)) / 6].slice(0, k).reduce((a, b) => a + b);
}

// Every set of 1..k of n ranks, small ones first; the ranks of a set rise.
/** @param {number} n @param {number} k */
function candidateSets(n, k) {
  /** @type {number[][]} */
  const sets = [];
  /** @param {number[]} ranks @param {number} size */
  const grow = (ranks, size) => {
    if (ranks.length === size) sets.push(ranks);
    else for (let rank = (ranks.at(-1) ?? -1) + 1; rank < n; rank += 1) grow([...ranks, rank], size);
  };
  for (let size = 1; size <= k; size += 1) grow([], size);
  return sets;
}

// With caution, what must clear the threshold is a lower bound of P(complete).
/** @param {number[]} ranks @param {Candidate[]} ranked @param {number} caution @returns {Set} */
function measured(ranks, ranked, caution) {
  let cost = 0;
  let latency = 0;
  for (const rank of ranks) {
    const { cost: price, latency_s: seconds } = ranked[rank];
    cost += price;
    latency = Math.max(latency, seconds || Infinity); // an unknown latency loses ties
  }
  /** @param {number} rank */
  const asked = (rank) => {
    const { mu, sigma } = ranked[rank];
    return caution === 0 ? mu : Math.max(mu - caution * sigma, 0);
  };
  return { ranks, quality: completion(ranks, asked), cost, latency };
}

// P(any member completes). A set of one completes with exactly its member's probability, not with 1 - (1 - P) of it.
/** @param {number[]} ranks @param {(rank: number) => number} probability */
function completion(ranks, probability) {
  if (ranks.length === 1) return probability(ranks[0]);
  return 1 - ranks.reduce((miss, rank) => miss * (1 - probability(rank)), 1);
}

// Cost, latency, fewer members, higher completion, then the ids.
/** @param {Set} a @param {Set} b */
function isBefore(a, b) {
  if (a.cost !== b.cost) return a.cost < b.cost;
  if (a.latency !== b.latency) return a.latency < b.latency;
  if (a.ranks.length !== b.ranks.length) return a.ranks.length < b.ranks.length;
  if (a.quality !== b.quality) return a.quality > b.quality;
  const differs = a.ranks.findIndex((rank, place) => rank !== b.ranks[place]);
  return a.ranks[differs] < b.ranks[differs];
}

// The server's first sentence on a choice, among the candidates of a decision.
/** @param {Choice} choice @param {Asked} asked @param {Decision} decision */
export function explain(choice, { threshold, worth = null }, decision) {
  const { selected, expected_quality, asked_quality, reason } = choice;
  const { fallback_quality_margin: margin, caution = 0, within = null } = decision;
  const n = decision.candidates.length;
  const names = selected.join(" with ");
  const verb = selected.length === 1 ? "is" : "are together";
  const among = n > 1 ? `of ${n} candidates` : "of 1 candidate";
  const bound = caution ? `, ${wholePercent(asked_quality)} at a caution of ${Number(caution.toPrecision(6))}` : "";
  const expected = `${wholePercent(expected_quality)} expected${bound}`;
  const asked = `, ${wholePercent(threshold)} asked for`;
  let said;
  if (reason === "threshold") {
    said = `${names} ${verb} the cheapest choice ${among} that clears the completion threshold: ${expected}${asked}`;
  } else if (reason === "value") {
    said =
      `${names} ${verb} worth the most ${among} where a completed request is worth $${Number((worth ?? 0).toPrecision(6))}: ` +
      `${expected}${threshold ? asked : ""}`;
  } else {
    said =
      `No choice ${among} clears the completion threshold of ${wholePercent(threshold)}; ${names} ${verb} ` +
      `${worth === null ? "the cheapest" : "worth the most"} within ${points(margin)} points of the best: ${expected}`;
  }
  if (within !== null) said += `, at most ${points(within)} points below the best candidate`;
  return `${said}.`;
}

/** @param {number} share */
function points(share) {
  return Number((share * 100).toPrecision(3));
}

// Rounded as Python rounds: a half goes to the even neighbour.
/** @param {number} share */
function wholePercent(share) {
  const value = share * 100;
  const below = Math.floor(value);
  const rest = value - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return `${up ? below + 1 : below}%`;
}
