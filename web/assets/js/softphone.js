// The telephone in the top bar: shows its line and its call, takes keys and clicks. A call never takes the keyboard away.
import { hearOn } from "./phone/devices.js";
import { judge } from "./phone/quality.js";
import { Line } from "./phone/line.js";
import { ring } from "./phone/ring.js";

const STATES = { connecting: "话机正在连接", ready: "话机就绪", off: "话机未连接", elsewhere: "话机在另一窗口" };
const KEYS = { F2: "answer", F4: "mute", F8: "hold", F9: "hang-up" };

function status(line) {
  const { call } = line;
  if (!call) return STATES[line.state];
  if (call.ending) return "正在挂断";
  if (call.echo) return call.answered ? "回声测试" : "正在接通";
  if (!call.answered) return call.answering ? "正在接通" : call.again ? "通话曾中断，请接听" : call.own ? "外呼" : "来电";
  if (call.held) return "保持中";
  return call.muted ? "已静音" : "通话中";
}

const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
const words = ({ loss, jitter, rtt }) => `丢包 ${percent(loss)}，抖动 ${jitter} 毫秒${rtt === null ? "" : `，往返 ${rtt} 毫秒`}`;

export default function softphone(part) {
  const line = new Line(part.querySelector("audio"));
  const at = (selector) => part.querySelector(selector);
  const button = (name) => at(`[data-act="${name}"]`);
  let shownCall = "";
  let trouble = "";

  // Who calls comes from the server, masked; it may know a moment after the telephone rings, and tells then by itself.
  async function who(id) {
    if (id === shownCall) return;
    shownCall = id;
    const place = at(".phone-who");
    place.replaceChildren();
    if (!id) return;
    const answer = await fetch(`/phone/call?call=${encodeURIComponent(id)}`, { headers: { "X-Live": "1", "HX-Request": "true", Accept: "text/html" } });
    if (!answer.ok || id !== shownCall) return;
    place.innerHTML = await answer.text();
    htmx.process(place);
  }

  function show() {
    const { call } = line;
    const talking = Boolean(call?.answered && !call.ending);
    part.dataset.state = call ? (call.answered ? "talking" : "ringing") : line.state;
    at(".phone-state").textContent = trouble || status(line);
    const shown = {
      answer: call && !call.answered && !call.echo && !call.answering,
      mute: talking, hold: talking && !call.echo, keypad: talking && !call.echo, "hang-up": call && (call.answered || call.own || call.echo),
    };
    at(".phone-acts").hidden = !call;
    for (const [name, on] of Object.entries(shown)) button(name).hidden = !on;
    button("hang-up").disabled = Boolean(call?.ending);
    button("mute").setAttribute("aria-pressed", String(Boolean(call?.muted)));
    button("hold").setAttribute("aria-pressed", String(Boolean(call?.held)));
    if (!talking) keypad(false);
    const sound = at(".phone-sound");
    sound.hidden = !call?.sound;
    if (call?.sound) {
      sound.textContent = `音质${judge(call.sound)}`;
      sound.title = words(call.sound);
      sound.dataset.judged = judge(call.sound);
    }
    ring(Boolean(call && !call.answered && !call.answering && !call.echo));
    who(call?.id ?? "");
    document.dispatchEvent(new CustomEvent("phone:state", { detail: { state: line.state, call } }));
  }

  function keypad(open) {
    at(".phone-keypad").hidden = !open;
    button("keypad").setAttribute("aria-expanded", String(open));
  }

  const acts = {
    answer: () => line.answer(),
    mute: () => line.mute(),
    hold: () => line.hold(),
    keypad: () => keypad(at(".phone-keypad").hidden),
    "hang-up": () => line.hangUp(),
  };

  part.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (pressed?.dataset.act) acts[pressed.dataset.act]();
    if (pressed?.dataset.key) line.key(pressed.dataset.key);
  });
  at(".phone-keypad").addEventListener("keydown", (event) => {
    if (/^[0-9*#]$/.test(event.key)) { line.key(event.key); event.preventDefault(); }
    if (event.key === "Escape") { keypad(false); button("keypad").focus(); }
  });
  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || button(act).hidden) return;
    event.preventDefault();
    acts[act]();
  });
  document.addEventListener("phone:dialled", ({ detail }) => line.expect(detail));
  document.addEventListener("phone:echo", () => (line.call ? line.hangUp() : line.echo()));
  document.addEventListener("phone:tell", show);
  document.addEventListener("phone:devices", () => hearOn(at("audio")));
  line.addEventListener("change", () => { if (line.call?.answered || !line.call) trouble = ""; show(); });
  line.addEventListener("trouble", ({ detail }) => { trouble = detail; show(); });

  // One window of a browser has the telephone; the next one takes it over when that is closed.
  line.state = "elsewhere";
  show();
  navigator.locks.request("hotline-phone", () => {
    line.state = "connecting";
    show();
    line.start();
    return new Promise(() => {});
  });
}
