// Click to dial: the server rings one's own telephone and then the other side, so no number needs to be in the page.
import { ask } from "./phone/ask.js";

const typed = (form) => ({ number: form.elements.number.value });
const whom = (button) => (button.dataset.dial ? JSON.parse(button.dataset.dial) : typed(button.form));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-dial]");
  if (!button) return;
  const said = button.parentElement.querySelector(".dial-said");
  button.disabled = true;
  said.textContent = "";
  try {
    const { call, citizen, in_page: inPage } = await ask(button.dataset.dialTo ?? "/phone/dial", whom(button));
    document.dispatchEvent(new CustomEvent("phone:dialled", { detail: { call, citizen } }));
    if (!inPage) said.textContent = "话机振铃后请摘机";
  } catch (error) {
    said.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});

// Enter in the field is the button beside it.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-dial-typed]")) return;
  event.preventDefault();
  event.target.querySelector("[data-dial]").click();
});
