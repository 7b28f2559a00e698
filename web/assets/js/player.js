// Playback: two channels drawn apart, words that follow, loop, sides, marks, keys. Each part of it in a file of ./player/.
import { keys } from "./player/keys.js";
import { loop } from "./player/loop.js";
import { marks } from "./player/marks.js";
import { redact } from "./player/redact.js";
import { sides } from "./player/sides.js";
import { fault } from "./player/fault.js";
import { transcript } from "./player/transcript.js";
import { waveform } from "./player/wave.js";
import { shown } from "./player/shown.js";

const HASH = /^#t=(\d+(?:\.\d+)?)$/;

export default async function player(part) {
  const media = part.querySelector("audio");
  const seconds = Number(part.dataset.seconds);
  const one = { part, media, seconds, offset: Number(part.dataset.offset), alive: shown(part) };
  one.seek = (at) => { media.currentTime = Math.min(Math.max(0, at), seconds); };
  media.addEventListener("contextmenu", (event) => event.preventDefault()); // copies are made by the export, with its mark
  fault(one);
  sides(one);
  transcript(one);
  const speed = part.querySelector("[name=speed]");
  speed.addEventListener("change", () => { media.playbackRate = Number(speed.value); });
  const follow = () => { const at = HASH.exec(location.hash); if (at) one.seek(Number(at[1])); };
  follow();
  addEventListener("hashchange", follow, { signal: one.alive });
  one.wave = await waveform(one);
  one.loop = loop(one);
  one.mark = marks(one);
  redact(one);
  keys(one);
}
