// The theme that was chosen, set before anything is drawn; without a choice the system decides. This small file is
// not a module, so that the page is never drawn in the other theme first.

(() => {
  const KEY = "pointsman.theme";
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem(KEY);
  } catch {
    // Storage is not allowed: the system decides each time.
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  document.addEventListener("DOMContentLoaded", () => {
    const boxes = document.querySelectorAll("input[name=theme]");
    for (const box of boxes) {
      box.checked = box.value === (root.dataset.theme ?? "system");
      box.addEventListener("change", () => choose(box.value));
    }
  });

  function choose(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It lasts as long as the page.
    }
  }
})();
