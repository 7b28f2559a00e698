// Both sides as they were recorded, or one alone in both ears. The graph is built when somebody first asks for it.
export function sides({ part, media, alive }) {
  const choose = part.querySelector("[name=side]");
  if (!choose) return;
  let lanes = null;
  const build = () => {
    const context = new AudioContext();
    const split = context.createChannelSplitter(2);
    context.createMediaElementSource(media).connect(split);
    lanes = [0, 1].map((lane) => {
      const gain = context.createGain(), pan = context.createStereoPanner();
      split.connect(gain, lane).connect(pan).connect(context.destination);
      return { gain: gain.gain, pan: pan.pan };
    });
    alive.addEventListener("abort", () => context.close());
    context.resume();
  };
  choose.addEventListener("change", () => {
    if (!lanes) build();
    lanes.forEach(({ gain, pan }, lane) => {
      const alone = choose.value !== "";
      gain.value = !alone || Number(choose.value) === lane ? 1 : 0;
      pan.value = alone ? 0 : lane * 2 - 1;
    });
  });
}
