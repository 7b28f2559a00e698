// What every module needs of the page it runs on. Bundles have it each for itself, so it keeps nothing and listens to nothing.
// Runs a function on the page now and after every swap, since navigation never reloads the shell.
export function onPage(run) {
  const start = () => run(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  document.addEventListener("htmx:after:swap", start);
}

export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";
