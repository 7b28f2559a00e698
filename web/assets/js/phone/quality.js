// How the call sounds: what the browser measures of the packets that reach the agent's ear (W3C webrtc-stats).
import { ask, BY_ITSELF } from "./ask.js";

const EVERY_MS = 2000;
const TELL_EVERY = 5;
const GOOD = { loss: 0.01, jitter: 20, rtt: 150 };
const FAIR = { loss: 0.05, jitter: 40, rtt: 300 };

const within = (now, limits) => now.loss <= limits.loss && now.jitter <= limits.jitter && (now.rtt ?? 0) <= limits.rtt;

export function judge(now) {
  if (within(now, GOOD)) return "好";
  return within(now, FAIR) ? "一般" : "差";
}

const mean = (values) => (values.length ? Math.round(values.reduce((sum, one) => sum + one, 0) / values.length) : null);
const worst = (values) => (values.length ? Math.max(...values) : null);

export class Quality {
  #connection; #call; #show; #silent; #timer;
  #stretch = crypto.randomUUID();
  #began = Date.now();
  #last = { received: 0, lost: 0 };
  #jitters = []; #rtts = [];
  #looks = 0; #still = 0;

  // `show(now)` is told every two seconds; `silent()` when nothing at all has arrived for six.
  constructor(connection, call, show, silent) {
    this.#connection = connection;
    this.#call = call;
    this.#show = show;
    this.#silent = silent;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#tell();
  }

  async #look() {
    const found = {};
    for (const one of (await this.#connection.getStats()).values()) {
      if (one.type === "inbound-rtp" && one.kind === "audio") found.heard = one;
      if (one.type === "candidate-pair" && one.nominated && one.currentRoundTripTime !== undefined) found.pair = one;
      if (one.type === "remote-inbound-rtp" && one.roundTripTime !== undefined) found.report = one;
    }
    if (!found.heard) return;
    const { packetsReceived: received, packetsLost: lost } = found.heard;
    const fresh = { received: received - this.#last.received, lost: Math.max(0, lost - this.#last.lost) };
    this.#last = { received, lost: Math.max(0, lost) };
    this.#still = fresh.received ? 0 : this.#still + 1;
    if (this.#still === 3) this.#silent();
    const rtt = found.report?.roundTripTime ?? found.pair?.currentRoundTripTime;
    const now = {
      loss: fresh.lost / Math.max(1, fresh.lost + fresh.received),
      jitter: Math.round((found.heard.jitter ?? 0) * 1000),
      rtt: rtt === undefined ? null : Math.round(rtt * 1000),
    };
    this.#jitters.push(now.jitter);
    if (now.rtt !== null) this.#rtts.push(now.rtt);
    this.#show(now);
    this.#looks += 1;
    if (this.#looks % TELL_EVERY === 1) this.#tell();
  }

  #tell() {
    if (!this.#call || !this.#looks) return;
    const told = {
      call: this.#call, stretch: this.#stretch, seconds: Math.round((Date.now() - this.#began) / 1000), ...this.#last,
      jitter_ms: mean(this.#jitters), worst_jitter_ms: worst(this.#jitters),
      rtt_ms: mean(this.#rtts), worst_rtt_ms: worst(this.#rtts),
    };
    // What is not told now is told with the next look; the last one may be lost, the call goes on record without it.
    ask("/phone/sound", told, BY_ITSELF).catch((error) => console.warn("sound not told", error.message));
  }
}
