// Sets the theme before anything is drawn, and changes it when asked. Light, dark, or as the system has it.
(() => {
  const key = "faremeter.theme";
  const root = document.documentElement;
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  apply(localStorage.getItem(key));
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    button.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      const next = dark ? "light" : "dark";
      localStorage.setItem(key, next);
      apply(next);
      document.dispatchEvent(new Event("faremeter:theme"));
    });
  });
})();
