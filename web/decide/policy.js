// The policy of the server, in the page: the cheapest set of candidates whose expected completion clears the
// threshold. The same numbers in the same order of operations give the same floats, so a replay is exact. A test runs
// both on the same cases.

const MOST_SETS = 10_000;

// A function from a threshold to the choice {selected, expected_quality, asked_quality, cost, latency, reason}; null where the
// decision does not hold what a replay needs. Everything that no threshold changes is computed once.
export function replayer(decision) {
  const { candidates, fallback_quality_margin: margin, caution = 0 } = decision;
  if (!isReplayable(decision)) return null;
  // In the order of their ids (ASCII): a set's row of ranks then compares as its ids do.
  const order = candidates.map((_, place) => place);
  order.sort((a, b) => (candidates[a].model_id < candidates[b].model_id ? -1 : 1));
  const ranked = order.map((place) => candidates[place]);
  const sets = candidateSets(ranked.length, Math.min(decision.max_k, ranked.length)).map((ranks) =>
    measured(ranks, ranked, caution),
  );
  const best = sets.reduce((most, set) => Math.max(most, set.quality), -Infinity);

  return function choose(threshold) {
    const reason = best >= threshold ? "threshold" : "fallback";
    const bar = reason === "threshold" ? threshold : best - margin;
    let chosen = null;
    for (const set of sets) {
      if (set.quality >= bar && (chosen === null || isBefore(set, chosen))) chosen = set;
    }
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

function isReplayable({ candidates, max_k: k, caution = 0, fallback_quality_margin: margin }) {
  return (
    candidates.length > 0 &&
    candidates.every((one) => Number.isFinite(one?.mu) && Number.isFinite(one.cost)) &&
    (caution === 0 || candidates.every((one) => Number.isFinite(one.sigma))) &&
    new Set(candidates.map((one) => one.model_id)).size === candidates.length &&
    [1, 2, 3].includes(k) &&
    Number.isFinite(margin) &&
    Number.isFinite(caution) &&
    howMany(candidates.length, k) <= MOST_SETS
  );
}

function howMany(n, k) {
  return [n, (n * (n - 1)) / 2, (n * (n - 1) * (n - 2)) / 6].slice(0, k).reduce((a, b) => a + b);
}

// Every set of 1..k of n ranks, small ones first; the ranks of a set rise.
function candidateSets(n, k) {
  const sets = [];
  const grow = (ranks, size) => {
    if (ranks.length === size) sets.push(ranks);
    else for (let rank = (ranks.at(-1) ?? -1) + 1; rank < n; rank += 1) grow([...ranks, rank], size);
  };
  for (let size = 1; size <= k; size += 1) grow([], size);
  return sets;
}

// With caution, what must clear the threshold is a lower bound of P(complete).
function measured(ranks, ranked, caution) {
  let cost = 0;
  let latency = 0;
  for (const rank of ranks) {
    const { cost: price, latency_s: seconds } = ranked[rank];
    cost += price;
    latency = Math.max(latency, seconds || Infinity); // an unknown latency loses ties
  }
  const asked = (rank) => {
    const { mu, sigma } = ranked[rank];
    return caution === 0 ? mu : Math.max(mu - caution * sigma, 0);
  };
  return { ranks, quality: completion(ranks, asked), cost, latency };
}

// P(any member completes). A set of one completes with exactly its member's probability, not with 1 - (1 - P) of it.
function completion(ranks, probability) {
  if (ranks.length === 1) return probability(ranks[0]);
  return 1 - ranks.reduce((miss, rank) => miss * (1 - probability(rank)), 1);
}

// Cost, latency, fewer members, higher completion, then the ids.
function isBefore(a, b) {
  if (a.cost !== b.cost) return a.cost < b.cost;
  if (a.latency !== b.latency) return a.latency < b.latency;
  if (a.ranks.length !== b.ranks.length) return a.ranks.length < b.ranks.length;
  if (a.quality !== b.quality) return a.quality > b.quality;
  const differs = a.ranks.findIndex((rank, place) => rank !== b.ranks[place]);
  return a.ranks[differs] < b.ranks[differs];
}

// The server's sentence for a choice at a threshold, among the candidates of a decision.
export function explain({ selected, expected_quality, asked_quality, reason }, threshold, decision) {
  const { fallback_quality_margin: margin, caution = 0 } = decision;
  const n = decision.candidates.length;
  const names = selected.join(" with ");
  const verb = selected.length === 1 ? "is" : "are together";
  const among = n > 1 ? `of ${n} candidates` : "of 1 candidate";
  const bound = caution ? `, ${wholePercent(asked_quality)} at a caution of ${Number(caution.toPrecision(6))}` : "";
  const expected = `${wholePercent(expected_quality)} expected${bound}`;
  if (reason === "threshold") {
    return (
      `${names} ${verb} the cheapest choice ${among} that clears the completion threshold: ` +
      `${expected}, ${wholePercent(threshold)} asked for.`
    );
  }
  return (
    `No choice ${among} clears the completion threshold of ${wholePercent(threshold)}; ${names} ${verb} the cheapest ` +
    `within ${Number((margin * 100).toPrecision(3))} points of the best: ${expected}.`
  );
}

// Rounded as Python rounds: a half goes to the even neighbour.
function wholePercent(share) {
  const value = share * 100;
  const below = Math.floor(value);
  const rest = value - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return `${up ? below + 1 : below}%`;
}
