// Sends the CSRF token, puts errors beside their fields, and survives an expired session without losing text.
import { meta } from "./page.js";

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF-Token"] = meta("csrf");
});

function clearWrong(root) {
  for (const place of root.querySelectorAll(".wrong")) place.textContent = "";
  for (const input of root.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function placeErrors(problem, form) {
  clearWrong(form ?? document);
  const fields = JSON.parse(problem.dataset.fields || "{}");
  for (const [name, sentence] of Object.entries(fields)) {
    const input = (form ?? document).querySelector(`[name="${CSS.escape(name)}"]`);
    const place = input?.closest(".field")?.querySelector(".wrong");
    if (!place) continue;
    input.setAttribute("aria-invalid", "true");
    place.id ||= `wrong-${name}`;
    input.setAttribute("aria-describedby", place.id);
    place.textContent = sentence;
    const link = problem.querySelector(`a[data-field="${CSS.escape(name)}"]`);
    if (!link) continue;
    link.href = `#${(input.id ||= `field-${name}`)}`;
    const label = input.closest(".field").querySelector("label, .label")?.firstChild?.textContent.trim();
    if (label && !sentence.includes(label)) link.textContent = `${label}：${sentence}`;
  }
}

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  const problem = document.querySelector("#problem:not([data-placed])");
  if (!problem) return;
  problem.dataset.placed = "yes";
  placeErrors(problem, ctx.request?.form);
  problem.focus();
  problem.scrollIntoView({ block: "nearest" });
});

document.addEventListener("htmx:error", () => {
  const notice = document.querySelector("#notice");
  const lost = document.querySelector("#lost-template");
  if (notice && lost) notice.replaceChildren(lost.content.cloneNode(true));
});

// A link in the error summary leads to its field without changing the address.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-field]");
  if (!link?.hash) return;
  event.preventDefault();
  document.querySelector(link.hash)?.focus();
});

// Signed in again in another window: take the new token and let the person send what was typed.
async function renew() {
  const problem = document.querySelector('#problem[data-id="not-signed-in"], #problem[data-id="stale-form"]');
  if (!problem) return;
  const answer = await fetch("/session", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { csrf } = await answer.json();
  document.querySelector('meta[name="csrf"]').content = csrf;
  for (const input of document.querySelectorAll('input[name="_csrf"]')) input.value = csrf;
  problem.remove();
}
addEventListener("focus", renew);

// A report 举报 must be read for traces of who reported before it leaves.
document.addEventListener("change", (event) => {
  if (event.target.name !== "category") return;
  for (const box of document.querySelectorAll("[data-only-report]")) box.hidden = event.target.value !== "report";
});
