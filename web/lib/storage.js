// @ts-check
// What the browser may keep: the token for the tab, the theme for longer. Without storage the page forgets, and works.

/** @typedef {"sessionStorage" | "localStorage"} Kind */

/** @param {Kind} kind @param {string} key */
export function recall(kind, key) {
  try {
    return window[kind].getItem(key);
  } catch {
    return null;
  }
}

// null forgets.
/** @param {Kind} kind @param {string} key @param {string | null} value */
export function keep(kind, key, value) {
  try {
    if (value === null) window[kind].removeItem(key);
    else window[kind].setItem(key, value);
  } catch {
    // Storage is full or not allowed: what is kept lasts as long as the page.
  }
}
