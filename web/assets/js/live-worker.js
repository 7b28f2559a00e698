// One EventSource for all windows of this browser; passes on that something changed, never what.
const ports = new Set();
const RETRY_MS = 3000;
let source = null;
let last = "";
let up = false;

const tell = (message) => ports.forEach((port) => port.postMessage(message));

function open() {
  source = new EventSource(last ? `/live?after=${encodeURIComponent(last)}` : "/live");
  source.onopen = () => { up = true; tell({ kind: "up" }); };
  source.addEventListener("hello", (event) => {
    if (last) return; // the server tells what was missed since
    last = event.lastEventId;
    tell({ kind: "hello", last });
  });
  source.addEventListener("hint", (event) => {
    last = event.lastEventId;
    const [topic, id = ""] = event.data.split(" ");
    tell({ kind: "hint", topic, id });
  });
  source.addEventListener("gap", (event) => { last = event.lastEventId; tell({ kind: "gap" }); });
  source.addEventListener("end", () => { source.close(); source = null; up = false; tell({ kind: "end" }); });
  source.onerror = () => {
    up = false;
    tell({ kind: "down" });
    if (source?.readyState === EventSource.CLOSED) { source = null; setTimeout(() => ports.size && !source && open(), RETRY_MS); }
  };
}

onconnect = ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data !== "bye") return;
    ports.delete(port);
    if (!ports.size) { source?.close(); source = null; }
  };
  port.start();
  port.postMessage({ kind: up ? "up" : "opening", last });
  if (!source) open();
};
