// The waveform: one lane for each speaker, drawn from points that the server keeps; nothing of the sound is loaded for it.
import WaveSurfer from "wavesurfer.js";
import Regions from "wavesurfer.js/dist/plugins/regions.esm.js";
import { meta } from "../page.js";

const LANE = 64;
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const points = (text) => Float32Array.from(atob(text), (byte) => byte.charCodeAt(0) / 255);

export async function waveform({ part, media, seconds, seek, alive }) {
  const regions = Regions.create();
  const answer = await fetch(`${part.dataset.recording}/peaks?${part.dataset.query}`, { headers: { Accept: "application/json" } });
  if (!answer.ok || alive.aborted) return null;
  const { channels } = await answer.json();
  const drawn = WaveSurfer.create({
    container: part.querySelector(".wave"),
    media,
    peaks: channels.map(points),
    duration: seconds,
    height: LANE,
    splitChannels: channels.map((_, lane) => ({ waveColor: colour("--line-2"), progressColor: colour(lane ? "--green" : "--blue") })),
    cursorColor: colour("--ink"),
    cspNonce: meta("style-nonce"),
    interact: false, // its own seek waits until the sound can play, and would then overrule whatever was asked since
    plugins: [regions],
  });
  drawn.once("ready", () => { // who came by a hit's link was already there; whose sound still comes is told by its event
    if (media.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) drawn.setTime(media.currentTime);
  });
  const wrapper = drawn.getWrapper();
  wrapper.addEventListener("click", ({ clientX }) => {
    const { left, width } = wrapper.getBoundingClientRect();
    seek(((clientX - left) / width) * seconds);
  });
  const zoom = part.querySelector("[name=zoom]");
  const whole = () => part.querySelector(".wave").clientWidth / seconds;
  zoom.addEventListener("change", () => drawn.zoom(zoom.value === "1" ? 0 : whole() * Number(zoom.value)));
  alive.addEventListener("abort", () => drawn.destroy());
  part.dataset.drawn = "yes";
  return { regions, drawn, wash: (name) => `color-mix(in srgb, ${colour(name)} 22%, transparent)` };
}
