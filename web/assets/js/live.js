// Fetches marked regions again when the server hints that they changed; morphs them, so focus and scroll stay.
import htmx from "htmx.org/dist/htmx.esm.js";
import { meta, onPage } from "./page.js";

const GATHER_MS = 120;
let pending = [];
let everything = false;
let timer = null;
let navigating = 0;
let duringNavigation = false;
let running = Promise.resolve();

function wants(region, hint) {
  const id = region.dataset.liveId;
  return region.dataset.live.split(" ").includes(hint.topic) && (!id || !hint.id || id === hint.id);
}

function later() {
  if (navigating) duringNavigation = true;
  timer ??= setTimeout(() => { timer = null; running = running.then(refresh, refresh); }, GATHER_MS);
}

async function refresh() {
  const hints = pending;
  const all = everything;
  pending = [];
  everything = false;
  const sources = new Map();
  for (const region of document.querySelectorAll("[data-live]")) {
    if (!all && !hints.some((hint) => wants(region, hint))) continue;
    const source = region.dataset.liveSrc ?? here();
    sources.set(source, [...(sources.get(source) ?? []), region.id]);
  }
  await Promise.allSettled([...sources].map(([source, ids]) => fetchParts(source, ids)));
}

const here = () => location.pathname + location.search;

async function fetchParts(source, ids) {
  const own = source === here() ? source : "";
  const answer = await fetch(source, { headers: { "X-Live": "1", "HX-Request": "true", Accept: "text/html" } });
  if (answer.status === 401) { location.reload(); return; }
  if (!answer.ok) return;
  const text = await answer.text();
  // The person went on to another page meanwhile: what belongs to the former one is not put into it.
  if (own && own !== here()) return;
  for (const id of ids) {
    const target = document.getElementById(id);
    if (target) await htmx.swap({ sourceElement: target, target, select: `#${CSS.escape(id)}`, swap: "outerMorph", text });
  }
}

function hear({ data }) {
  const state = document.querySelector("#link-state");
  if (data.kind === "hint") { pending.push(data); later(); }
  if (data.kind === "gap") { everything = true; later(); }
  if (data.kind === "up" && state) state.hidden = true;
  if (data.kind === "down" && state) state.hidden = false;
  if (data.kind === "end") location.reload();
  // Something happened between the server's rendering of this page and our listening.
  if (data.last && data.last !== meta("live-at")) { everything = true; later(); }
}

function connect() {
  const worker = meta("live-worker");
  if (!worker) return;
  const shared = new SharedWorker(worker, { name: "hotline-live" });
  shared.port.onmessage = hear;
  shared.port.start();
  addEventListener("pagehide", () => shared.port.postMessage("bye"), { once: true });
}

document.addEventListener("htmx:before:request", () => { navigating += 1; });
document.addEventListener("htmx:finally:request", () => {
  navigating = Math.max(0, navigating - 1);
  if (duringNavigation && !navigating) { duringNavigation = false; everything = true; later(); }
});
addEventListener("pageshow", (event) => { if (event.persisted) { connect(); everything = true; later(); } });
connect();

onPage(() => {
  for (const words of document.querySelectorAll("[data-follow]")) words.scrollTop = words.scrollHeight;
});
