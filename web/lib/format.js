// @ts-check
// Numbers and times as text. A missing value is always a dash, and no amount is rounded to a false 0 or 100%.

export const DASH = "–";

/** @typedef {number | null | undefined} Amount What a server sends: a number, or nothing. */

/** @param {unknown} value @returns {value is null | undefined} */
function missing(value) {
  return typeof value !== "number" || !Number.isFinite(value);
}

/** @param {number} value @param {number} decimals */
function grouped(value, decimals) {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

// US dollars: cents from one dollar up, below that three significant digits and never an exponent.
/** @param {Amount} value */
export function money(value) {
  if (missing(value)) return DASH;
  if (value === 0) return "$0";
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size < 1e-10) return `${sign}<$0.0000000001`;
  const decimals = size >= 1 ? 2 : Math.max(2, 2 - Math.floor(Math.log10(size)));
  return `${sign}$${grouped(size, decimals)}`;
}

/** @param {Amount} value */
export function moneyPerThousand(value) {
  return missing(value) ? DASH : money(value * 1000);
}

// A price as price lists write it: cents, more digits only where a cent is too coarse.
/** @param {Amount} value */
export function price(value) {
  if (missing(value)) return DASH;
  const decimals = Number((value * 100).toFixed(6)) % 1 === 0 ? 2 : 4;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: decimals })}`;
}

/** @param {Amount} share */
export function percent(share) {
  if (missing(share)) return DASH;
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share < 1 && share >= 0.9995) return ">99.9%";
  return `${number(share * 100, 1)}%`;
}

// A share that was saved, in words; below 0 more was spent.
/** @param {number} share */
export function lessOrMore(share) {
  return share < 0 ? `${percent(-share)} more` : `${percent(share)} less`;
}

// A threshold or a margin: as many decimals as it needs.
/** @param {Amount} share */
export function plainPercent(share) {
  return missing(share) ? DASH : `${Number((share * 100).toFixed(2))}%`;
}

/** @param {Amount} value @param {number} decimals @returns {string} */
export function number(value, decimals) {
  if (missing(value)) return DASH;
  const text = grouped(Math.abs(value), decimals);
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** @param {Amount} value */
export function count(value) {
  return missing(value) ? DASH : grouped(value, 0);
}

// Local time, as 2026-11-22 23:31:48; the text itself when it is no time.
/** @param {string | null | undefined} text */
export function localTime(text) {
  const at = new Date(text ?? NaN);
  if (Number.isNaN(at.getTime())) return String(text ?? DASH);
  /** @param {number} part */
  const two = (part) => String(part).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}
