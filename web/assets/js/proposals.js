// What the machine proposes for the draft: shown dotted, accepted with Tab, gone without trace when refused.
import { onPage } from "./page.js";

const refused = new Set();
const name = (field) => `${field.form?.dataset.keep}:${field.name}`;

// A field that nobody has confirmed is named to the server, which takes it for nobody's decision.
function mark(box, name) {
  const named = box.querySelector('input[name="proposed"]');
  if (!name) { named?.remove(); return; }
  if (named) return;
  const made = Object.assign(document.createElement("input"), { type: "hidden", name: "proposed", value: name });
  box.append(made);
}

function count() {
  for (const form of document.querySelectorAll("form:has([data-undecided])")) {
    const open = form.querySelectorAll('.proposed input[name="proposed"]').length;
    form.querySelector("[data-undecided]").textContent = open ? `系统填写的 ${open} 项待核对：逐项按 Tab 采用，或改正` : "";
  }
}

function settle(field) {
  const box = field.closest(".field");
  box.classList.remove("proposed");
  mark(box, "");
  field.dataset.settled = "yes";
  count();
}

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.closest?.(".proposed")) return;
  if (event.key === "Tab" && !event.shiftKey) settle(field);
  if (event.key === "Escape") {
    refused.add(name(field));
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
    settle(field);
  }
  // what was confirmed is kept like what was typed
  if (["Tab", "Escape"].includes(event.key) && field.dataset.settled) field.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("input", (event) => {
  if (event.target.closest?.("form[data-keep] .field")) settle(event.target);
});
document.addEventListener("change", (event) => { if (event.target.closest?.(".proposed")) settle(event.target); });

function apply(list) {
  for (const proposal of list.querySelectorAll("[data-proposal]")) {
    const form = document.getElementById(list.dataset.form);
    const field = form?.elements.namedItem(proposal.dataset.proposal);
    if (!(field instanceof Element) || field.dataset.settled || refused.has(name(field)) || field === document.activeElement) continue;
    const box = field.closest(".field");
    if (field.value && !box.classList.contains("proposed")) continue;
    if (field.type === "checkbox") field.checked = proposal.dataset.value === "true";
    else field.value = proposal.dataset.value;
    field.title = proposal.dataset.title;
    box.classList.add("proposed");
    if (proposal.dataset.proposal !== "lead_unit") mark(box, proposal.dataset.proposal);
    field.dispatchEvent(new Event("filled", { bubbles: true }));
    box.querySelector(".source")?.replaceChildren(...[...proposal.childNodes].map((node) => node.cloneNode(true)));
  }
}
onPage(() => { document.querySelectorAll("[data-proposals]").forEach(apply); count(); });
