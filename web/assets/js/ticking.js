// Lets durations that are still growing tick: waiting callers, talking agents.
import { onPage } from "./page.js";

function show(since) {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function tick() {
  for (const place of document.querySelectorAll("[data-since]")) place.textContent = show(place.dataset.since);
}
setInterval(tick, 1000);
onPage(tick);
