// The telephone in the top bar: shows its line and its call, takes keys and clicks. A call never takes the keyboard away.
import { hearOn } from "./phone/devices.js";
import { judge } from "./phone/quality.js";
import { Line } from "./phone/line.js";
import { ring } from "./phone/ring.js";

const STATES = { connecting: "话机正在连接", ready: "话机就绪", off: "话机未连接", elsewhere: "话机在另一窗口", taken: "话机已在另一处登录" };
const AGAIN_MS = 1000;
const KEYS = { F2: "answer", F4: "mute", F6: "join", F7: "pass", F8: "hold", F9: "hang-up" };

function ringing(call) {
  if (call.again) return "通话曾中断，请接听";
  if (call.back) return "转接无人接听，请接回";
  if (call.asked) return "同事咨询";
  return call.own ? "外呼" : "来电";
}

function withThird({ third: { joins, joining, joined }, muted }) {
  if (joining) return "正在接通三方";
  if (joined) return muted ? "三方通话，已静音" : "三方通话";
  if (joins) return "正在呼叫，接通即三方通话";
  return "咨询中，市民在听音乐";
}

function status(line) {
  const { call } = line;
  if (!call) return STATES[line.state];
  if (call.ending) return "正在挂断";
  if (call.echo) return call.answered ? "回声测试" : "正在接通";
  if (!call.answered) return call.answering ? "正在接通" : ringing(call);
  if (call.third) return [withThird(call), call.third.shown].filter(Boolean).join("：");
  if (call.held) return "保持中";
  return call.muted ? "已静音" : "通话中";
}

// What the server shows in the bar; null where it could not answer.
const asHtml = (path) =>
  fetch(path, { headers: { "X-Live": "1", "HX-Request": "true", Accept: "text/html" } })
    .then((answer) => (answer.ok ? answer.text() : null), () => null);

const percent = (share) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
const words = ({ loss, jitter, rtt }) => `丢包 ${percent(loss)}，抖动 ${jitter} 毫秒${rtt === null ? "" : `，往返 ${rtt} 毫秒`}`;

export default function softphone(part) {
  const line = new Line(part.querySelector("audio"));
  const at = (selector) => part.querySelector(selector);
  const button = (name) => at(`[data-act="${name}"]`);
  let shownCall = "";
  let trouble = "";
  let refused = "";

  // Who calls comes from the server, masked; it may know a moment after the telephone rings, and tells then by itself.
  async function who(id) {
    if (id === shownCall) return;
    shownCall = id;
    const place = at(".phone-who");
    place.replaceChildren();
    while (id && id === shownCall) {
      const shown = await asHtml(`/phone/call?call=${encodeURIComponent(id)}`);
      if (id !== shownCall) return;
      if (shown !== null) {
        place.innerHTML = shown;
        htmx.process(place);
        return;
      }
      await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    }
  }

  function show() {
    const { call } = line;
    const talking = Boolean(call?.answered && !call.ending);
    const asking = Boolean(call?.third && !call.third.joined);
    const asked = asking && call.third.asking && !call.third.joining;
    const passable = talking && !call.echo && !call.own;
    part.dataset.state = call ? (call.answered ? "talking" : "ringing") : line.state;
    at(".phone-state").textContent = trouble || refused || status(line);
    const shown = {
      answer: call && !call.answered && !call.echo && !call.answering,
      mute: talking && !asking, hold: talking && !call.echo && !call.third, keypad: talking && !call.echo && !asking,
      pass: passable && !call.third, join: passable && asked, "hand-over": passable && asked,
      drop: passable && Boolean(call.third?.joined), "hang-up": call && (call.answered || call.own || call.echo),
    };
    at(".phone-acts").hidden = !call;
    for (const [name, on] of Object.entries(shown)) button(name).hidden = !on;
    button("hang-up").disabled = Boolean(call?.ending);
    button("mute").setAttribute("aria-pressed", String(Boolean(call?.muted)));
    button("hold").setAttribute("aria-pressed", String(Boolean(call?.held)));
    button("hang-up").firstChild.textContent = asking ? "结束咨询 " : "挂断 ";
    if (!talking) keypad(false);
    if (!passable) passing(false);
    const sound = at(".phone-sound");
    sound.hidden = !call?.sound;
    if (call?.sound) {
      sound.textContent = `音质${judge(call.sound)}`;
      sound.title = words(call.sound);
      sound.dataset.judged = judge(call.sound);
    }
    linkable(passable && !call.third ? call.id : "");
    ring(Boolean(call && !call.answered && !call.answering && !call.echo));
    who(call?.id ?? "");
    document.dispatchEvent(new CustomEvent("phone:state", { detail: { state: line.state, call } }));
  }

  // 联动: the one-key calls of a page about the call in hand; keys of other calls stay hidden.
  function linkable(id) {
    for (const key of document.querySelectorAll("[data-link]")) key.hidden = !id || key.dataset.call !== id;
  }

  async function linked({ dataset, parentElement }) {
    const said = parentElement.querySelector(".wrong");
    said.textContent = "";
    try {
      const whom = { to: dataset.to };
      await (dataset.link === "join" ? line.consult(whom, true) : line.transfer(whom));
    } catch (error) {
      said.textContent = error.message;
    }
    show();
  }

  function keypad(open) {
    at(".phone-keypad").hidden = !open;
    button("keypad").setAttribute("aria-expanded", String(open));
  }

  // To whom: who is there and what they do now comes from the server when it is asked.
  async function passing(open) {
    const place = at(".phone-pass");
    button("pass").setAttribute("aria-expanded", String(open));
    if (!open) { place.hidden = true; place.replaceChildren(); return; }
    const shown = await asHtml(`/phone/others?call=${encodeURIComponent(line.call?.id ?? "")}`);
    if (shown === null || button("pass").hidden) return;
    place.innerHTML = shown;
    place.hidden = false;
    place.querySelector("select").focus();
  }

  async function done(act) {
    refused = "";
    await act().catch((error) => {
      refused = error.message;
      setTimeout(() => { refused = ""; show(); }, 5000);
    });
    show();
  }

  async function sent(form, act) {
    const { to, number } = form.elements;
    const whom = to.value === "number" ? { number: number.value } : { to: to.value };
    const said = form.querySelector(".wrong");
    said.textContent = "";
    try {
      await act.call(line, whom);
      passing(false);
    } catch (error) {
      said.textContent = error.message;
    }
  }

  const acts = {
    pass: () => passing(at(".phone-pass").hidden),
    join: () => done(() => line.join()),
    "hand-over": () => done(() => line.handOver()),
    drop: () => done(() => line.drop()),
    answer: () => line.answer(),
    mute: () => line.mute(),
    hold: () => line.hold(),
    keypad: () => {
      keypad(at(".phone-keypad").hidden);
      at(".phone-keypad:not([hidden]) button")?.focus();
    },
    "hang-up": () => (line.call?.third && !line.call.third.joined ? done(() => line.drop()) : line.hangUp()),
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
  at(".phone-pass").addEventListener("keydown", (event) => {
    if (event.key === "Escape") { passing(false); button("pass").focus(); }
    if (event.key !== "Enter" || event.target.localName !== "select") return;
    event.preventDefault();
    const { form } = event.target;
    form.requestSubmit(form.querySelector("button:not([disabled])"));
  });
  at(".phone-pass").addEventListener("change", ({ target }) => {
    if (target.name !== "to") return;
    const { number } = target.form.elements;
    number.parentElement.hidden = target.value !== "number";
    target.form.querySelector('[value="consult"]').disabled = target.value.startsWith("queue:");
    if (target.value === "number") number.focus();
  });
  at(".phone-pass").addEventListener("submit", (event) => {
    event.preventDefault();
    sent(event.target, event.submitter?.value === "transfer" ? line.transfer : line.consult);
  });
  document.addEventListener("keydown", (event) => {
    const act = event.key === "F7" && button("pass").hidden ? "hand-over" : KEYS[event.key];
    if (!act || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || button(act).hidden) return;
    event.preventDefault();
    acts[act]();
  });
  document.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-link]");
    if (key) linked(key);
  });
  document.addEventListener("htmx:after:swap", show);
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
