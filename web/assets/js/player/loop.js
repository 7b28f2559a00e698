// A chosen stretch plays again and again: dragged on the waveform, or set by [ and ].
import { clock } from "./shown.js";

const LOOK_MS = 40;

export function loop(one) {
  const { part, media, wave, alive } = one;
  const told = part.querySelector(".loop");
  const hint = told.value;
  const off = part.querySelector("[name=unloop]");
  let from = null, until = null, region = null;

  const show = () => {
    const whole = from !== null && until !== null;
    told.value = whole ? `循环 ${clock(from)}–${clock(until)}` : from !== null ? `循环起点 ${clock(from)}` : hint;
    off.hidden = from === null;
    region?.remove();
    region = whole && wave ? wave.regions.addRegion({ id: "kept-loop", start: from, end: until, color: wave.wash("--amber"), drag: false, resize: false }) : null;
  };
  const set = (start, end) => { from = start; until = end; show(); };
  const clear = () => set(null, null);
  off.addEventListener("click", clear);

  const redacts = document.querySelector(".redaction-form") !== null; // there, what is dragged is covered
  told.hidden = redacts;
  if (wave && !redacts) {
    wave.regions.enableDragSelection({ color: wave.wash("--amber") });
    wave.regions.on("region-created", (made) => {
      if (made.id.startsWith("kept-") || made.start === made.end) return; // drawn by us
      const { start, end } = made;
      made.remove();
      set(start, end);
      one.seek(start);
    });
  }
  const looking = setInterval(() => { if (until !== null && media.currentTime >= until) one.seek(from); }, LOOK_MS);
  alive.addEventListener("abort", () => clearInterval(looking));
  return {
    begin: () => set(media.currentTime, null),
    end: () => { if (from !== null && media.currentTime > from) { set(from, media.currentTime); one.seek(from); } },
    clear,
  };
}
