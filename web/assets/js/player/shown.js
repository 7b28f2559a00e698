// A signal that ends when this part has left the page: navigation swaps pages and never reloads the shell.
export function shown(part) {
  const control = new AbortController();
  document.addEventListener("htmx:after:swap", () => { if (!part.isConnected) control.abort(); }, { signal: control.signal });
  return control.signal;
}

export const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  return whole < 3600 ? `${Math.floor(whole / 60)}:${two(whole % 60)}` : `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
};
