// The words: a click plays from there, and the line that is being said is marked and kept in sight.
const EARLY_S = 0.2;

export function transcript({ part, media, seconds, offset, seek, alive }) {
  // A call may have several recordings on one page: each answers for its own time.
  const at = (line) => Number(line.dataset.at) - ("ofRecording" in line.dataset ? 0 : offset);
  const mine = (line) => at(line) >= -EARLY_S && at(line) <= seconds;
  const from = (event) => {
    const line = event.target.closest?.("[data-at]");
    if (!line || !mine(line) || getSelection().type === "Range") return false;
    seek(at(line));
    media.play();
    return true;
  };
  const lines = [...document.querySelectorAll(".talk [data-at]")].filter(mine);
  for (const line of lines) {
    line.tabIndex = 0;
    line.setAttribute("role", "button");
  }
  document.addEventListener("click", from, { signal: alive });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.(".talk [data-at]") && from(event)) event.preventDefault();
  }, { signal: alive });

  let now = null;
  media.addEventListener("timeupdate", () => {
    const said = lines.findLast((line) => at(line) <= media.currentTime + EARLY_S) ?? null;
    if (said === now) return;
    now?.removeAttribute("aria-current");
    now = said;
    if (!now) return;
    now.setAttribute("aria-current", "true");
    const box = now.closest(".words");
    if (box && !media.paused) box.scrollTop = now.offsetTop - box.offsetTop - box.clientHeight / 3;
  });
}
