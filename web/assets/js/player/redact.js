// What is to be covered: dragged on the waveform or clicked in the words, listed with the form, taken back one by one.
import { clock } from "./shown.js";

export function redact({ wave, media, seek, alive }) {
  const form = document.querySelector(".redaction-form");
  if (!form) return;
  const list = form.querySelector(".stretches");
  const cover = form.querySelector("#field-cover");
  const lanes = document.querySelectorAll(".lanes li").length;

  const add = (channels, start, end, drop = () => {}) => {
    const row = document.createElement("li");
    const told = document.createElement("span");
    const who = channels.length === lanes && lanes > 1 ? "双方" : document.querySelectorAll(".lanes li")[channels[0]].textContent;
    told.textContent = `${clock(start)}–${clock(end)} ${who}`;
    const regions = channels.map((channel) => wave?.regions.addRegion({
      id: `kept-cover-${start}-${channel}`, start, end, channelIdx: lanes > 1 ? channel : -1, color: wave.wash("--red"), drag: false, resize: false,
    }));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "small";
    remove.textContent = "取消";
    remove.setAttribute("aria-label", `取消遮盖 ${told.textContent}`);
    for (const channel of channels) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "stretch";
      field.value = `${channel}:${start.toFixed(3)}-${end.toFixed(3)}`;
      row.append(field);
    }
    row.append(told, " ", remove);
    list.append(row);
    const gone = () => { row.remove(); for (const region of regions) region?.remove(); drop(); };
    remove.addEventListener("click", gone);
    return gone;
  };

  if (wave) {
    wave.regions.enableDragSelection({ color: wave.wash("--red") });
    wave.regions.on("region-created", (made) => {
      if (made.id.startsWith("kept-") || made.start === made.end) return; // drawn by us
      const { start, end } = made;
      made.remove();
      add(cover?.value ? [Number(cover.value)] : [...Array(lanes).keys()], start, end);
    });
  }
  const covered = new Map();
  document.addEventListener("click", (event) => {
    const word = event.target.closest?.(".word");
    if (!word) return;
    const { start, end, channel } = word.dataset;
    if (event.altKey) { seek(Number(start)); media.play(); return; }
    if (covered.has(word)) { covered.get(word)(); return; }
    word.setAttribute("aria-pressed", "true");
    covered.set(word, add([Number(channel)], Math.max(0, Number(start)), Number(end), () => { covered.delete(word); word.setAttribute("aria-pressed", "false"); }));
  }, { signal: alive });
}
