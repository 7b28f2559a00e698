// Keeps the shell in step with the page that was swapped in: current rail entry, lazily loaded modules.
import { onPage } from "./page.js";

// Where the rail is longer than the window, the current entry is in sight.
function showCurrent(rail) {
  const here = rail?.querySelector("[aria-current=page]")?.getBoundingClientRect();
  const frame = rail?.getBoundingClientRect();
  if (!here || (here.top >= frame.top && here.bottom <= frame.bottom)) return;
  rail.scrollTop += (here.top + here.bottom - frame.top - frame.bottom) / 2;
}

onPage(() => {
  const place = document.querySelector("#page")?.dataset.place;
  for (const link of document.querySelectorAll(".rail a")) {
    if (link.dataset.place === place) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showCurrent(document.querySelector(".rail"));
  for (const part of document.querySelectorAll("[data-module]:not([data-loaded])")) {
    part.dataset.loaded = "yes";
    import(part.dataset.module).then((module) => module.default(part));
  }
});

// A new page begins at its top, and the keyboard is in it rather than on the link that led here.
document.addEventListener("htmx:after:history:update", () => {
  scrollTo(0, 0);
  if (!document.activeElement?.closest("#page")) document.querySelector("#page")?.focus({ preventScroll: true });
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
  if (event.target.closest("[data-reload]")) location.reload();
});
