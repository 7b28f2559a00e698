// Which microphone and headset this browser uses; remembered here, since they belong to the desk and not to the person.
const MICROPHONE = "hotline-microphone";
const HEADSET = "hotline-headset";

export const chosen = () => ({
  microphone: localStorage.getItem(MICROPHONE) ?? "",
  headset: localStorage.getItem(HEADSET) ?? "",
});

export function choose({ microphone, headset }) {
  localStorage.setItem(MICROPHONE, microphone);
  localStorage.setItem(HEADSET, headset);
  document.dispatchEvent(new CustomEvent("phone:devices"));
}

// A microphone that was unplugged is no reason to take no call: then whichever there is.
export function listen() {
  const { microphone } = chosen();
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (microphone) wanted.deviceId = { ideal: microphone };
  return navigator.mediaDevices.getUserMedia({ audio: wanted, video: false });
}

export async function hearOn(audio) {
  const { headset } = chosen();
  if (!audio.setSinkId || (audio.sinkId ?? "") === headset) return;
  await audio.setSinkId(headset).catch(() => audio.setSinkId(""));
}

// The loudness of a stream, 0 to 1, until `stop` is called.
export function meter(stream, show) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
    show(Math.min(1, Math.sqrt(power) * 4));
  }, 100);
  return () => { clearInterval(timer); context.close(); };
}
