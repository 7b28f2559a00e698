// A form that leads to the same place in the next page: `#t=120` of its address goes with it.
import { onPage } from "./page.js";

onPage(() => {
  for (const form of document.querySelectorAll("form[data-carry-hash]")) {
    const plain = form.action.split("#")[0];
    if (location.hash.startsWith("#t=")) form.action = plain + location.hash;
  }
});
