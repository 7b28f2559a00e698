// The keyboard: on the whole page, except where somebody types or presses a button.
const STEP_S = 5;
const busy = "input, select, textarea, button, summary, a, [contenteditable], [role=button]";

export function keys(one) {
  const { part, media, seconds, alive } = one;
  const alone = document.querySelectorAll(".player").length === 1;
  const choose = (name, step) => {
    const field = part.querySelector(`[name=${name}]`);
    if (!field) return;
    field.selectedIndex = Math.min(Math.max(0, step(field.selectedIndex)), field.options.length - 1);
    field.dispatchEvent(new Event("change"));
  };
  const acts = {
    " ": () => { if (media.paused) media.play(); else media.pause(); },
    ArrowRight: () => one.seek(Math.min(media.currentTime + STEP_S, seconds)),
    ArrowLeft: () => one.seek(media.currentTime - STEP_S),
    "[": one.loop.begin,
    "]": one.loop.end,
    "\\": one.loop.clear,
    "-": () => choose("speed", (at) => at - 1),
    "+": () => choose("speed", (at) => at + 1),
    "=": () => choose("speed", (at) => at + 1),
    1: () => choose("side", () => 0),
    2: () => choose("side", () => 1),
    3: () => choose("side", () => 2),
    m: one.mark,
    M: one.mark,
    "?": () => { const help = part.querySelector("details.keys"); help.open = !help.open; },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const { target } = event;
    const within = part.contains(target);
    if ((!within && !alone) || (target.closest?.(busy) && target.tagName !== "AUDIO")) return;
    const act = Object.hasOwn(acts, event.key) && acts[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }, { signal: alive, capture: true });
}
