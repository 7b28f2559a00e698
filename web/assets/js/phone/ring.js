// A quiet double tone while the telephone rings, made here, so that no file has to be fetched first.
const EVERY_MS = 3000;
let timer = null;
let context = null;

function tone(at) {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.frequency.value = 660;
  volume.gain.value = 0.05;
  source.connect(volume).connect(context.destination);
  source.start(at);
  source.stop(at + 0.18);
}

export function ring(on) {
  if (on === (timer !== null)) return;
  if (!on) {
    clearInterval(timer);
    context?.close();
    timer = context = null;
    return;
  }
  context = new AudioContext();
  const twice = () => { tone(context.currentTime); tone(context.currentTime + 0.26); };
  twice();
  timer = setInterval(twice, EVERY_MS);
}
