// Marks on the time line: lines on the waveform, and the form that notes one at the present moment or on the loop.
import { clock } from "./shown.js";

export function marks({ part, media, wave, alive }) {
  const form = document.querySelector(".mark-form");
  if (!form || document.querySelectorAll(".player").length > 1) return () => {};
  let drawn = [];
  const draw = () => {
    for (const one of drawn) one.remove();
    if (!wave) return;
    drawn = [...document.querySelectorAll("#marks [data-mark-at]")].map(({ dataset }) => {
      const end = dataset.markEnd ? Number(dataset.markEnd) : undefined;
      const label = document.createElement("span");
      label.title = dataset.markNote;
      label.textContent = "▾";
      return wave.regions.addRegion({
        start: Number(dataset.markAt), end, color: wave.wash("--blue"), content: label, drag: false, resize: false, id: `kept-mark-${dataset.markAt}`,
      });
    });
  };
  const told = form.querySelector(".mark-at");
  const tell = () => {
    if (form.contains(document.activeElement)) return; // the moment stays where the note was begun
    form.elements.at.value = media.currentTime.toFixed(2);
    told.value = clock(media.currentTime);
  };
  media.addEventListener("timeupdate", tell);
  form.addEventListener("focusout", () => setTimeout(tell));
  document.addEventListener("htmx:after:swap", () => { if (part.isConnected) { draw(); if (!form.contains(document.activeElement) || form.elements.note.value) form.elements.note.value = ""; } }, { signal: alive });
  draw();
  return () => { tell(); form.elements.note.focus(); };
}
