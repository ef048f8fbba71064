// Sets the theme before anything is drawn, and changes it when asked. Light, dark, or as the system has it.
(() => {
  const key = "faremeter.theme";
  const root = document.documentElement;
  root.classList.add("scripts");
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  // A browser may refuse to keep anything; the theme is then the system's until the page is left.
  const kept = (change) => {
    try {
      return change(localStorage);
    } catch {
      return null;
    }
  };
  apply(kept((storage) => storage.getItem(key)));
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    button.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      const next = dark ? "light" : "dark";
      kept((storage) => storage.setItem(key, next));
      apply(next);
      document.dispatchEvent(new Event("faremeter:theme"));
    });
  });
})();
