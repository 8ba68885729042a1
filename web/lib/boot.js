// @ts-check
// What must run before anything is drawn, and even if nothing else can: the theme that was chosen, so that the page is
// never drawn in the other one first, and a word to the reader when a part of the page could not be fetched.
// It is not a module, since modules run later and fail together.

(() => {
  const KEY = "pointsman.theme";
  const root = document.documentElement;
  /** @type {string | null} */
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Storage is not allowed: the system decides each time.
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  /** @param {string} theme */
  function choose(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It lasts as long as the page.
    }
  }

  let isReady = false;
  let isBroken = false;
  const tell = () => {
    const place = document.getElementById("broken");
    if (isReady && isBroken && place) place.hidden = false;
  };
  // A script that cannot be fetched tells its element only, so this listens on the way down to it.
  window.addEventListener(
    "error",
    (event) => {
      if (!(event.target instanceof HTMLScriptElement)) return;
      isBroken = true;
      tell();
    },
    true,
  );

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (
      document.querySelectorAll("input[name=theme]")
    )) {
      box.checked = box.value === (root.dataset.theme ?? "system");
      box.addEventListener("change", () => choose(box.value));
    }
    document.getElementById("reload")?.addEventListener("click", () => location.reload());
    isReady = true;
    tell();
  });
})();
