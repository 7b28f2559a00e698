// The line of the telephone in the page: registers with what this sign-in was given, comes back by itself, and tells of
// its one call. SIP over WebSocket (RFC 7118) to our own origin; sound goes straight to Asterisk.
import JsSIP from "jssip";
import { ask, BY_ITSELF, look } from "./ask.js";
import { hearOn, listen } from "./devices.js";
import { Quality } from "./quality.js";

const REGISTER_S = 120;
const AGAIN_MS = 1000;
const LOOK_MS = 500;
const GIVEN_AWAY = 4401;
const ANSWERED_BY_ITSELF_MS = 60_000;
const IN_HAND = "hotline-call-in-hand";
const PLAIN = { pcConfig: { iceServers: [] }, rtcOfferConstraints: { offerToReceiveAudio: true } };

// The call that this window had, also after it was loaded anew: it may be answered again without being asked.
const remember = (call) => sessionStorage.setItem(IN_HAND, JSON.stringify({ call, at: Date.now() }));
function hadInHand(call) {
  const { call: mine, at } = JSON.parse(sessionStorage.getItem(IN_HAND) ?? "{}");
  return mine === call && Date.now() - at < ANSWERED_BY_ITSELF_MS;
}

export class Line extends EventTarget {
  #audio; #ua; #session; #quality; #microphone; #second;
  #asked = new Set();
  #fresh = true;
  state = "connecting";
  call = null;

  constructor(audio) {
    super();
    this.#audio = audio;
  }

  async start() {
    const given = await this.#password();
    if (!given) return;
    const socket = new JsSIP.WebSocketInterface(`wss://${location.host}/phone`);
    this.#ua = new JsSIP.UA({
      sockets: [socket],
      uri: `sip:${given.extension}@${location.hostname}`,
      // Its user is the extension, so that whatever this page says is said in the name of its own telephone.
      contact_uri: `sip:${given.extension}@${crypto.randomUUID().slice(0, 12)}.invalid;transport=ws`,
      authorization_user: given.extension,
      password: given.secret,
      display_name: given.extension,
      register_expires: REGISTER_S,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 4,
      user_agent: "12345",
    });
    this.#ua.on("registered", () => this.#registered());
    this.#ua.on("registrationFailed", () => this.#refused());
    this.#ua.on("disconnected", ({ code }) => this.#disconnected(code));
    this.#ua.on("newRTCSession", ({ session, originator, request }) => {
      if (originator === "remote") this.#rung(session, request);
    });
    addEventListener("pagehide", () => { if (this.call?.id && this.call.answered) remember(this.call.id); });
    this.#ua.start();
  }

  // ---------------------------------------------------------------- registering

  async #password() {
    for (;;) {
      try {
        return await ask("/phone/password", {}, BY_ITSELF);
      } catch (error) {
        if (error.status === 401 || error.status === 404) { this.#is("off"); return null; }
      }
      await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    }
  }

  async #registered() {
    this.#is("ready");
    const fresh = this.#fresh;
    this.#fresh = false;
    // A page that begins anew has lost the talk that its former self had: said at once, it is rung again at once.
    if (fresh && !this.call) await ask("/phone/recover", {}, BY_ITSELF).catch((error) => console.warn("not recovered", error.message));
    else await this.check();
  }

  // The password may have ended with another sign-in, or the present one has not reached Asterisk yet.
  async #refused() {
    this.#is("connecting");
    await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    const given = await this.#password();
    if (!given) { this.#ua.stop(); return; }
    this.#ua.set("password", given.secret);
    if (this.#ua.isConnected()) this.#ua.register();
  }

  // Another sign-in of the same person has the telephone now, or this one has ended; a window that is opened anew takes it.
  async #disconnected(code) {
    if (this.state === "taken" || this.state === "off") return;
    this.#is("connecting");
    const alive = await look("/session").then(() => true, (error) => error.status !== 401);
    if (alive && code !== GIVEN_AWAY) return;
    this.#is(alive ? "taken" : "off");
    this.#ua.stop();
  }

  // ---------------------------------------------------------------- calls

  #rung(session, request) {
    const id = request.getHeader("X-Hotline-Call") ?? "";
    const told = (name) => request.getHeader(`X-Hotline-${name}`) === "yes";
    if (told("Consult")) { this.#consulted(session, id); return; }
    const again = told("Again");
    // The call in hand rings again: what is held here of it is dead, and nobody said so.
    if (this.#session && again && this.call.id === id) this.#drop();
    if (this.#session) { session.terminate({ status_code: 486 }); return; }
    this.#take(session, { id, again, own: told("Dial"), back: told("Back"), asked: told("Asked"), answered: false });
    if (this.#asked.has(id) || (again && hadInHand(id))) this.answer();
  }

  #take(session, call) {
    this.#session = session;
    this.call = { ...call, held: false, muted: false, third: null };
    this.#hear(session, this.#audio);
    session.on("confirmed", () => this.#talking());
    for (const end of ["ended", "failed"]) session.on(end, () => { if (this.#session === session) this.#over(); });
    this.#told();
  }

  #hear(session, audio) {
    const heard = (connection) => connection.addEventListener("track", async (event) => {
      audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      await hearOn(audio);
    });
    session.on("peerconnection", ({ peerconnection }) => heard(peerconnection));
    if (session.connection) heard(session.connection);
  }

  async answer() {
    const session = this.#session;
    if (!session || this.call.answered || this.call.answering) return;
    this.call.answering = true;
    this.#told();
    try {
      this.#microphone = await listen();
    } catch {
      if (this.#session !== session) return;
      this.call.answering = false;
      this.dispatchEvent(new CustomEvent("trouble", { detail: "浏览器没有取得麦克风，请检查耳机并允许使用麦克风" }));
      this.#told();
      return;
    }
    if (this.#session === session) session.answer({ mediaStream: this.#microphone, ...PLAIN });
    else this.#release();
  }

  #talking() {
    if (!this.call || this.call.answered) return;
    this.call.answered = true;
    if (this.call.id) remember(this.call.id);
    this.#measure();
    this.#told();
  }

  #measure() {
    const show = (now) => {
      if (!this.call) return;
      this.call.sound = now;
      if (this.call.third?.joined) this.#thirdThere();
      this.#told();
    };
    this.#quality?.stop();
    this.#quality = new Quality(this.#session.connection, this.call.id, show, () => this.check());
  }

  #over() {
    if (this.#second) { this.#onlyTheSecond(); return; }
    this.#quality?.stop();
    this.#quality = undefined;
    this.#session = undefined;
    this.call = null;
    this.#release();
    this.#told();
  }

  #drop() {
    const dead = [this.#session, this.#second?.session];
    this.#endSecond();
    this.#over();
    for (const one of dead) one?.terminate();
  }

  #release() {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = undefined;
  }

  // Whether the call still lives is Asterisk's to say: its goodbye may have been lost with the line.
  async check() {
    const session = this.#session;
    if (!session || !this.call.id || !this.call.answered) return;
    const { calls } = await look("/phone/calls").catch(() => ({ calls: null }));
    if (calls && this.#session === session && !calls.includes(this.call.id)) session.terminate();
  }

  // Through the server, which marks the call before it ends it; without the mark the citizen would be held.
  async hangUp() {
    const session = this.#session;
    if (!session) return;
    sessionStorage.removeItem(IN_HAND);
    if (!this.call.id) { session.terminate(); return; }
    this.call.ending = true;
    this.#told();
    while (this.#session === session) {
      try {
        await ask("/phone/hang-up", { call: this.call.id });
      } catch (error) {
        if (error.status === 404 && this.#session === session) { session.terminate(); return; }
      }
      await new Promise((done) => { setTimeout(done, AGAIN_MS); });
    }
  }

  mute() {
    if (!this.call?.answered) return;
    if (this.call.muted) this.#session.unmute({ audio: true });
    else this.#session.mute({ audio: true });
    this.call.muted = !this.call.muted;
    this.#told();
  }

  // ---------------------------------------------------------------- a citizen is passed on

  #switch(held) {
    if (this.call.held === held) return Promise.resolve();
    this.call.held = held;
    return new Promise((done) => { if (!this.#session[held ? "hold" : "unhold"]({}, done)) done(); });
  }

  // The telephone rings a second time, to talk with whom was asked; it was asked for here, or it is nobody's.
  async #consulted(session, id) {
    const { call } = this;
    if (!call?.third || this.#second) { session.terminate({ status_code: 486 }); return; }
    const microphone = this.#microphone.clone();  // its own: a call on hold is silent at the microphone
    for (const track of microphone.getTracks()) track.enabled = true;
    const audio = new Audio();
    audio.autoplay = true;
    this.#second = { session, id, microphone, audio };
    this.#hear(session, audio);
    session.on("confirmed", () => {
      if (!call.third) return;
      call.third.asking = true;
      if (call.third.joins) this.#joinSoon(call);
      this.#told();
    });
    for (const end of ["ended", "failed"]) session.on(end, () => this.#secondOver(session));
    session.answer({ mediaStream: microphone, ...PLAIN });
  }

  async #secondOver(session) {
    if (this.#second?.session !== session) return;
    this.#endSecond();
    if (!this.call.third?.joined && !this.call.third?.joining) this.call.third = null;
    await this.#switch(false);
    this.#told();
  }

  #endSecond() {
    for (const track of this.#second?.microphone.getTracks() ?? []) track.stop();
    this.#second = undefined;
  }

  // The citizen is gone, by hanging up or to whom was asked: what is left is the talk with that one.
  #onlyTheSecond() {
    const { session, id, microphone, audio } = this.#second;
    this.#audio.srcObject = audio.srcObject;
    this.#quality?.stop();
    this.#quality = undefined;
    this.#release();
    this.#second = undefined;
    this.#session = session;
    this.#microphone = microphone;
    this.call = { id, own: true, answered: true, held: false, muted: false, third: null };
    for (const end of ["ended", "failed"]) session.on(end, () => { if (this.#session === session) this.#over(); });
    this.#told();
  }

  // Somebody is asked; until they come, or go, the citizen hears music. Who `joins` does so by answering, and until then
  // agent and citizen talk on: nobody in danger is left alone with music.
  async consult(whom, joins = false) {
    const { call } = this;
    if (!call?.answered || call.third) return;
    call.third = { shown: "", joins, asking: false, joining: false, joined: false, seen: false, looks: 0 };
    this.#told();
    try {
      if (!joins) await this.#switch(true);
      const { shown } = await ask("/phone/consult", { call: call.id, ...whom });
      if (call.third) call.third.shown = shown;
    } catch (error) {
      call.third = null;
      if (this.call === call) await this.#switch(false);
      this.#told();
      throw error;
    }
    this.#told();
  }

  // Asterisk says when who was called has answered; their not answering ends the second call, and with it the looking.
  async #joinSoon(call) {
    while (call.third?.joins && !call.third.joined && this.call === call && this.#second) {
      const { answered } = await look(`/phone/third?call=${encodeURIComponent(call.id)}`).catch(() => ({ answered: false }));
      if (answered && this.call === call && call.third) await this.join().catch((error) => console.warn("not joined", error.message));
      await new Promise((done) => { setTimeout(done, LOOK_MS); });
    }
  }

  async join() {
    const { call } = this;
    const { third } = call;
    if (third.joining || third.joined) return;
    third.joining = true;
    this.#told();
    await this.#switch(false);
    try {
      await ask("/phone/join", { call: call.id });
      third.joined = true;
    } catch (error) {
      if (this.#second) { if (!third.joins) await this.#switch(true); }
      else third.joined = true;  // they are there or gone: a look tells
      throw error;
    } finally {
      third.joining = false;
      this.#told();
    }
  }

  async handOver() {
    await ask("/phone/hand-over", { call: this.call.id });
    sessionStorage.removeItem(IN_HAND);
  }

  async drop() {
    const { call } = this;
    await ask("/phone/drop", { call: call.id }).catch((error) => { if (error.id !== "nobody-asked") throw error; });
    if (this.#second || this.call !== call) return;  // its end tells by itself
    call.third = null;
    await this.#switch(false);
    this.#told();
  }

  async transfer(whom) {
    await ask("/phone/transfer", { call: this.call.id, ...whom });
    sessionStorage.removeItem(IN_HAND);
  }

  // Whether the third is there still is Asterisk's to say: their going is no business of this telephone.
  async #thirdThere() {
    const { call } = this;
    const { there } = await look(`/phone/third?call=${encodeURIComponent(call.id)}`).catch(() => ({ there: true }));
    if (!call.third?.joined) return;
    call.third.looks += 1;
    if (there) call.third.seen = true;
    else if (call.third.seen || call.third.looks > 2) call.third = null;  // at first they may be on their way
    this.#told();
  }

  hold() {
    if (!this.call?.answered || this.call.third) return;
    const held = this.call.held;
    const done = held ? this.#session.unhold() : this.#session.hold();
    if (done) this.call.held = !held;
    this.#told();
  }

  key(key) {
    if (this.call?.answered) this.#session.sendDTMF(key, { transportType: "RFC2833" });
  }

  // A call that was asked for here: the telephone rings for it only to be answered. Who stood beside a citizen's call and
  // takes it over has the citizen from now on, as any agent.
  expect({ call, citizen }) {
    this.#asked.add(call);
    if (this.call?.id !== call) return;
    if (!citizen) { this.answer(); return; }
    Object.assign(this.call, { id: citizen, own: false });
    remember(citizen);
    this.#measure();
    this.#told();
  }

  async echo() {
    if (this.#session || this.state !== "ready") return;
    this.#microphone = await listen();
    const session = this.#ua.call(`sip:echo@${location.hostname}`, { mediaStream: this.#microphone, ...PLAIN });
    this.#take(session, { id: "", echo: true, answered: false });
  }

  #is(state) {
    this.state = state;
    this.#told();
  }

  #told() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
