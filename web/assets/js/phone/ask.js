// Asks the server, as the person who is signed in; what it refuses comes as an error with its sentence.
import { meta } from "../page.js";

const JSON_HEADERS = { Accept: "application/json" };

async function answered(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw Object.assign(new Error(body.title ?? "没有连上服务器。"), { status: answer.status, id: body.id ?? "" });
}

// What a page asks by itself is no sign of life of whoever sits before it.
export const BY_ITSELF = { "X-Live": "1" };

export async function ask(path, values = {}, headers = {}) {
  const told = Object.entries(values).filter(([, value]) => value !== null && value !== undefined);
  return answered(await fetch(path, {
    method: "POST",
    headers: { ...JSON_HEADERS, "X-CSRF-Token": meta("csrf"), ...headers },
    body: new URLSearchParams(told),
    keepalive: true,
  }));
}

export const look = async (path) => answered(await fetch(path, { headers: { ...JSON_HEADERS, ...BY_ITSELF } }));
