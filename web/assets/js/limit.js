// What the chosen category means, while it is chosen: its limit and due, and which elements must be told.
const NEEDED = "（必填）";
const OPTIONAL = "（选填）";

async function show(form) {
  const category = form.elements.namedItem("category")?.value ?? "";
  for (const mark of form.querySelectorAll("[data-needed]")) {
    mark.textContent = category && mark.dataset.needed.split(" ").includes(category) ? NEEDED : OPTIONAL;
  }
  const place = form.querySelector("#limit");
  if (!place) return;
  const asked = new URLSearchParams();
  for (const name of ["category", "matter"]) {
    const value = form.elements.namedItem(name)?.value;
    if (value) asked.set(name, value);
  }
  form.dataset.limit = asked;
  const answer = await fetch(`/limit?${asked}`, { headers: { Accept: "text/html", "HX-Request": "true" } });
  if (!answer.ok || form.dataset.limit !== String(asked)) return;
  const made = document.createRange().createContextualFragment(await answer.text());
  form.querySelector("#limit")?.replaceWith(made.querySelector("#limit"));
}

for (const kind of ["change", "filled"]) {
  document.addEventListener(kind, (event) => {
    if (["category", "matter"].includes(event.target.name) && event.target.form?.id === "draft") show(event.target.form);
  });
}
