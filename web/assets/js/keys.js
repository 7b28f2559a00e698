// Rows under the keyboard: j and k move, Enter opens, s signs, / searches, the arrow leads from there to the first row;
// letters never while somebody types.
const rows = () => [...document.querySelectorAll("table[data-keys] tbody tr")];
const typing = (target) => target.closest("input, select, textarea, [contenteditable]");

// The row is known by where it leads: a live part that is drawn anew keeps the selection.
let chosen = "";
const leads = (row) => row.querySelector("a[href]")?.getAttribute("href") ?? "";
const isChosen = (row) => chosen !== "" && leads(row) === chosen;

// Where the chosen row is not, the page's own mark stands: the row whose form is beside the list.
function mark() {
  if (!rows().some(isChosen)) return;
  for (const row of rows()) {
    if (isChosen(row)) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  }
}

function select(row) {
  chosen = leads(row);
  mark();
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a[href]")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", mark);

// An address holds only what was asked.
document.addEventListener("formdata", (event) => {
  if (!event.target.matches('form[role="search"]')) return;
  for (const name of [...event.formData.keys()]) if (event.formData.getAll(name).every((value) => value === "")) event.formData.delete(name);
});

// From what was searched for down to what was found.
document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" || event.isComposing || !event.target.closest('form[role="search"] input[type="search"]')) return;
  const first = rows()[0];
  if (!first) return;
  select(first);
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || typing(event.target)) return;
  const fields = 'form[role="search"] input:not([type="hidden"], [type="date"])';
  const search = document.querySelector(`${fields}[name="search"]`) ?? document.querySelector(fields);
  if (event.key === "/" && search) {
    search.select();
    search.focus();
    event.preventDefault();
    return;
  }
  const all = rows();
  const at = all.findIndex(isChosen);
  if (event.key === "j" && all.length) select(all[Math.min(at + 1, all.length - 1)]);
  else if (event.key === "k" && all.length) select(all[Math.max(at - 1, 0)]);
  else if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button, summary")) all[at].querySelector("a[href]")?.click();
  else if (event.key === "s" && at >= 0 && all[at].querySelector("button[data-sign]")) all[at].querySelector("button[data-sign]").click();
  else return;
  event.preventDefault();
});
