// Sends what is typed into a marked form to the server every few seconds: a browser that dies loses no more than that.
import { meta } from "./page.js";

const EVERY_MS = 2000;
const pending = new Map();
let timer = null;

const value = (field) => (field.type === "checkbox" ? (field.checked ? "true" : "") : field.value);
const kept = (field) => field.name && field.type !== "hidden" && !field.multiple;

function note(field) {
  const form = field.form;
  if (!form?.dataset.autosave || !kept(field)) return;
  pending.set(form, { ...pending.get(form), [field.name]: value(field) });
  timer ??= setTimeout(send, EVERY_MS);
}

function say(form, text) {
  const place = form.querySelector("[data-saved]");
  if (place) place.textContent = text;
}

async function send() {
  clearTimeout(timer);
  timer = null;
  for (const [form, fields] of [...pending]) {
    pending.delete(form);
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        keepalive: true,
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": meta("csrf") },
        body: JSON.stringify({ fields }),
      });
      if (answer.ok) say(form, `已自动保存 ${(await answer.json()).saved}`);
      else if (answer.status < 500) say(form, "未能自动保存，请及时提交");
      else throw new Error(String(answer.status));
    } catch {
      say(form, "暂时不能自动保存，正在重试");
      if (!form.isConnected) continue;
      pending.set(form, { ...fields, ...pending.get(form) });
      timer ??= setTimeout(send, EVERY_MS);
    }
  }
}

document.addEventListener("input", (event) => note(event.target));
document.addEventListener("change", (event) => note(event.target));
addEventListener("pagehide", send);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && send());

// What is being submitted is kept by that.
document.addEventListener("submit", (event) => {
  pending.delete(event.target);
});
