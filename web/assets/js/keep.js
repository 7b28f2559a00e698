// Keeps what is being typed in a marked form for this window, so that no reload or error loses it.
import { onPage, meta } from "./page.js";

const prefix = "kept:";
const keyOf = (form) => `${prefix}${meta("person")}:${form.dataset.keep}`;
// Boxes of one name are told apart by their values.
const boxKey = (box) => `${box.name}=${box.value}`;
const kept = (field) => field.name && field.name !== "_csrf" && !["password", "hidden", "file"].includes(field.type);

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.dataset.keep || !kept(event.target)) return;
  const typed = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "{}");
  if (event.target.type === "checkbox") typed[boxKey(event.target)] = event.target.checked;
  else if (event.target.multiple) typed[event.target.name] = [...event.target.selectedOptions].map((option) => option.value);
  else typed[event.target.name] = event.target.value;
  sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  const form = ctx.request.form;
  if (form?.dataset.keep && ctx.response.status < 400) sessionStorage.removeItem(keyOf(form));
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-leaving]")) return;
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(prefix)) sessionStorage.removeItem(key);
});

onPage(() => {
  for (const form of document.querySelectorAll("form[data-keep]:not([data-kept])")) {
    form.dataset.kept = "yes";
    const typed = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "{}");
    for (const field of form.elements) {
      const value = typed[field.type === "checkbox" ? boxKey(field) : field.name];
      if (value === undefined || !kept(field)) continue;
      if (field.type === "checkbox") field.checked = value;
      else if (field.multiple) for (const option of field.options) option.selected = value.includes(option.value);
      else field.value = value;
      field.closest(".field")?.classList.remove("proposed");
      field.closest(".field")?.querySelector('input[name="proposed"]')?.remove();
      form.closest("details")?.setAttribute("open", "");
    }
  }
});
