// Takes a found answer over into the form of the instant answer; what stands there already is kept before it.
function put(form, name, value) {
  const field = form.elements.namedItem(name);
  if (!field) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-use-answer]");
  if (!button) return;
  const told = document.querySelector("#knowledge-told");
  const form = document.querySelector("#act-answer");
  if (!form) {
    if (told) told.textContent = "请先填写并保存工单的标题和诉求内容，再登记即时答复。";
    return;
  }
  if (told) told.textContent = "";
  const { useAnswer: answer, item, version } = button.dataset;
  const before = form.elements.namedItem("text").value.trim();
  put(form, "text", !before || before.includes(answer) ? before || answer : `${before}\n${answer}`);
  put(form, "knowledge_item", item);
  put(form, "knowledge_version", version);
  form.closest("details")?.setAttribute("open", "");
  form.elements.namedItem("text").focus();
  form.scrollIntoView({ block: "nearest" });
});
