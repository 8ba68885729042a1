// @ts-check
// The two axes of the chart. Cost is logarithmic; completion is in odds, which gives the room to where models differ:
// from 90% to 99% is as far as from 50% to 91%.

const SHARES = [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
const [LEAST, MOST] = [0.001, 0.999];

/** @param {number} share */
const logit = (share) => Math.log(share / (1 - share));
/** @param {number} share @param {number} from @param {number} to */
const inside = (share, from, to) => Math.min(to, Math.max(from, share));

// From the shares that must be seen to {at, ticks}: `at` gives the pixel between `low` and `high`.
/** @param {number[]} shares @param {number} low @param {number} high */
export function oddsScale(shares, low, high) {
  const seen = shares.filter(Number.isFinite).map((share) => inside(share, LEAST, MOST));
  const from = SHARES.findLast((tick) => tick < Math.min(...seen)) ?? LEAST;
  const to = SHARES.find((tick) => tick > Math.max(...seen)) ?? MOST;
  const [start, end] = [logit(from), logit(to)];
  /** @param {number} share */
  const at = (share) => low + ((logit(inside(share, from, to)) - start) / (end - start)) * (high - low);
  return {
    at,
    from,
    to,
    ticks: spaced(
      SHARES.filter((tick) => tick >= from && tick <= to),
      at,
      26,
    ),
  };
}

/** @param {number[]} values @param {number} low @param {number} high */
export function logScale(values, low, high) {
  const positive = values.filter((value) => value > 0);
  const least = Math.log10(Math.min(...positive));
  const most = Math.log10(Math.max(...positive));
  const room = Math.max(0.15, (most - least) * 0.06);
  const [start, end] = positive.length ? [least - room, most + room] : [-1, 0];
  /** @param {number} value */
  const at = (value) =>
    low + (((value > 0 ? Math.log10(value) : start) - start) / (end - start)) * (high - low);
  const ticks = [];
  for (let power = Math.floor(start); power <= end; power += 1) {
    for (const lead of end - start > 2 ? [1] : [1, 2, 5]) {
      const tick = Number(`${lead}e${power}`);
      if (Math.log10(tick) >= start && Math.log10(tick) <= end) ticks.push(tick);
    }
  }
  return { at, ticks: spaced(ticks, at, 52) };
}

// The ticks that keep a distance to the one before.
/** @param {number[]} ticks @param {(tick: number) => number} at @param {number} pixels */
function spaced(ticks, at, pixels) {
  /** @type {number[]} */
  const kept = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (last === undefined || Math.abs(at(tick) - at(last)) >= pixels) kept.push(tick);
  }
  return kept;
}
