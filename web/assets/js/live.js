// Fetches marked regions again when the server hints that they changed; morphs them, so focus and scroll stay.
import htmx from "htmx.org/dist/htmx.esm.js";
import { meta, onPage } from "./page.js";

// `data-live`: topics after which a region is fetched at once; what one change says in several hints comes within the
// first of these, and between two fetches there is at least the second. `data-live-soon`: what need not be new in the same
// second, and what all desks hear of is not asked for by all of them at the same moment.
const TOGETHER_MS = 15;
const GATHER_MS = 120;
const SOON_MS = 1000 + 2000 * Math.random();
const AGAIN_MS = 5 * SOON_MS;
const REGIONS = "[data-live], [data-live-soon]";
let pending = [];
let everything = false;
let timer = null;
let due = Infinity;
let fetchedAt = -GATHER_MS;
let navigating = 0;
let duringNavigation = false;
let running = Promise.resolve();
let putting = false;

const regions = () => [...document.querySelectorAll(REGIONS)];

function wants(region, hint, lists = [region.dataset.live, region.dataset.liveSoon]) {
  const id = region.dataset.liveId;
  return lists.some((list) => list?.split(" ").includes(hint.topic)) && (!id || !hint.id || id === hint.id);
}

function note(hint) {
  if (navigating) duringNavigation = true;
  const wanting = regions().filter((region) => wants(region, hint));
  if (!wanting.length) return;
  pending.push(hint);
  fetchIn(wanting.some((region) => wants(region, hint, [region.dataset.live])) ? TOGETHER_MS : SOON_MS);
}

function later() {
  if (navigating) duringNavigation = true;
  everything = true;
  fetchIn(TOGETHER_MS);
}

function fetchIn(ms) {
  const at = Math.max(performance.now() + ms, fetchedAt + GATHER_MS);
  if (at >= due) return;
  due = at;
  clearTimeout(timer);
  timer = setTimeout(() => { due = Infinity; running = running.then(refresh, refresh); }, at - performance.now());
}

async function refresh() {
  fetchedAt = performance.now();
  const hints = pending;
  const all = everything;
  pending = [];
  everything = false;
  const sources = new Map();
  for (const region of regions()) {
    if (!all && !hints.some((hint) => wants(region, hint))) continue;
    const source = region.dataset.liveSrc ?? here();
    sources.set(source, [...(sources.get(source) ?? []), region.id]);
  }
  const done = await Promise.allSettled([...sources].map(([source, ids]) => fetchParts(source, ids)));
  // The server could not answer: what changed must not stay unseen until the next change.
  if (done.some((one) => one.status === "rejected")) { everything = true; fetchIn(AGAIN_MS); }
}

const here = () => location.pathname + location.search;

async function fetchParts(source, ids) {
  const own = source === here() ? source : "";
  const answer = await fetch(source, { headers: { "X-Live": "1", "HX-Request": "true", Accept: "text/html" } });
  if (answer.status === 401) { location.reload(); return; }
  if (answer.status >= 500) throw new Error(`${source}: ${answer.status}`);
  if (!answer.ok) return;
  const text = await answer.text();
  // The person went on to another page meanwhile: what belongs to the former one is not put into it.
  if (own && own !== here()) return;
  for (const id of ids) {
    const target = document.getElementById(id);
    // Meanwhile the place may follow something else, such as what was typed into a search.
    if (!target || (target.dataset.liveSrc ?? here()) !== source) continue;
    putting = true;
    const put = htmx.swap({ sourceElement: target, target, select: `#${CSS.escape(id)}`, swap: "outerMorph", text });
    putting = false;
    await put;
  }
}

// What the reader has unfolded or folded is the reader's: what is fetched neither closes the one nor opens the other.
htmx.registerExtension("reader", {
  htmx_before_morph_attr: (element, { attrName }) =>
    !(putting && attrName === "open" && element.localName === "details"),
});

function hear({ data }) {
  const state = document.querySelector("#link-state");
  if (data.kind === "hint") note(data);
  if (data.kind === "gap") later();
  if (data.kind === "up" && state) state.hidden = true;
  if (data.kind === "down" && state) state.hidden = false;
  if (data.kind === "end") location.reload();
  // Something happened between the server's rendering of this page and our listening.
  if (data.last && after(data.last, meta("live-at") ?? "")) later();
}

// Whether one hint's number is beyond another's; of another process any number is.
function after(one, other) {
  const [[boot, number], [otherBoot, otherNumber]] = [one.split("-"), other.split("-")];
  return boot !== otherBoot || Number(number) > Number(otherNumber);
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
  if (duringNavigation && !navigating) { duringNavigation = false; later(); }
});
addEventListener("pageshow", (event) => { if (event.persisted) { connect(); later(); } });
connect();

onPage(() => {
  for (const words of document.querySelectorAll("[data-follow]")) words.scrollTop = words.scrollHeight;
});
