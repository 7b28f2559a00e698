// What the machine proposes for the draft: shown dotted, accepted with Tab, gone without trace when refused.
import { onPage } from "./page.js";

const refused = new Set();
const name = (field) => `${field.form?.dataset.keep}:${field.name}`;

function settle(field) {
  field.closest(".field").classList.remove("proposed");
  field.dataset.settled = "yes";
}

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.closest?.(".proposed")) return;
  if (event.key === "Tab" && !event.shiftKey) settle(field);
  if (event.key === "Escape") { refused.add(name(field)); field.value = ""; settle(field); }
});
document.addEventListener("input", (event) => {
  if (event.target.closest?.(".field")) { event.target.dataset.settled = "yes"; event.target.closest(".field").classList.remove("proposed"); }
});
document.addEventListener("change", (event) => { if (event.target.closest?.(".proposed")) settle(event.target); });

function apply(list) {
  for (const proposal of list.querySelectorAll("[data-proposal]")) {
    const form = document.getElementById(list.dataset.form);
    const field = form?.elements.namedItem(proposal.dataset.proposal);
    if (!(field instanceof Element) || field.dataset.settled || refused.has(name(field)) || field === document.activeElement) continue;
    const box = field.closest(".field");
    if (field.value && !box.classList.contains("proposed")) continue;
    field.value = proposal.dataset.value;
    field.title = proposal.dataset.title;
    box.classList.add("proposed");
    box.querySelector(".source")?.replaceChildren(...[...proposal.childNodes].map((node) => node.cloneNode(true)));
  }
}
onPage(() => document.querySelectorAll("[data-proposals]").forEach(apply));
