// Says beside a field what the server makes of its value while it is typed; nothing is saved.
const PAUSE_MS = 200;
let waiting = 0;
let asked = 0;

async function foresee(field, place) {
  const mine = ++asked;
  const query = new URLSearchParams({ [field.name]: field.value });
  let text = "";
  try {
    const answer = await fetch(`${field.dataset.foresee}?${query}`, { headers: { Accept: "text/html" } });
    if (answer.ok) text = await answer.text();
  } catch {
    text = "暂时无法计算新的到期日。";
  }
  if (mine === asked) place.innerHTML = text;
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.dataset?.foresee) return;
  const place = document.getElementById(`${field.id}-foreseen`);
  clearTimeout(waiting);
  asked += 1;
  place.replaceChildren();
  if (field.value) waiting = setTimeout(foresee, PAUSE_MS, field, place);
});
