// Playback with a waveform: two channels, citizen above, everyone else below; peaks come from the server.
import WaveSurfer from "wavesurfer.js";
import { meta } from "./page.js";

const STEP_S = 5;

export default async function player(part) {
  const media = part.querySelector("audio");
  const answer = await fetch(part.dataset.peaks, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { seconds, channels } = await answer.json();
  const style = getComputedStyle(document.documentElement);
  const wave = WaveSurfer.create({
    container: part.querySelector(".wave"),
    media,
    peaks: channels,
    duration: seconds,
    height: Math.floor(128 / channels.length),
    splitChannels: channels.map(() => ({})),
    waveColor: style.getPropertyValue("--line-2").trim(),
    progressColor: style.getPropertyValue("--blue").trim(),
    cursorColor: style.getPropertyValue("--ink").trim(),
    cspNonce: meta("style-nonce"),
  });
  for (const words of document.querySelectorAll("[data-at]")) {
    const from = () => { wave.setTime(Number(words.dataset.at)); media.play(); };
    words.tabIndex = 0;
    words.setAttribute("role", "button");
    words.addEventListener("click", from);
    words.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); from(); } });
  }
  part.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " ") { if (media.paused) media.play(); else media.pause(); }
    else if (event.key === "ArrowRight") media.currentTime = Math.min(media.duration || 0, media.currentTime + STEP_S);
    else if (event.key === "ArrowLeft") media.currentTime = Math.max(0, media.currentTime - STEP_S);
    else return;
    event.preventDefault();
  }, true);
}
