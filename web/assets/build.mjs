// Bundles the browser's modules and styles into ../static/build with content hashes, compressed beside themselves, and a manifest.
import { build } from "esbuild";
import { rmSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = path.dirname(fileURLToPath(import.meta.url));
const built = path.resolve(here, "../static/build");
const fresh = `${built}.new-${process.pid}`;

process.on("exit", () => rmSync(fresh, { recursive: true, force: true })); // what was refused leaves nothing behind
await mkdir(fresh, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: {
    desk: "js/desk.js",
    headset: "js/headset.js",
    player: "js/player.js",
    softphone: "js/softphone.js",
    "live-worker": "js/live-worker.js",
    style: "css/style.css",
  },
  outdir: fresh,
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  sourcemap: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16"],
  charset: "utf8",
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

// A module that two bundles have runs twice: one that remembers or listens would do so in each without the other.
const bundles = {};
for (const { entryPoint, inputs } of Object.values(result.metafile.outputs)) {
  for (const input of Object.keys(inputs)) if (entryPoint) (bundles[input] ??= []).push(entryPoint);
}
for (const [input, entries] of Object.entries(bundles)) {
  if (entries.length < 2) continue;
  const text = await readFile(path.join(here, input), "utf8");
  if (/^(let |const .* new |(document\.|window\.)?addEventListener)/m.test(text)) throw new Error(`${input} keeps a state of its own and is bundled into ${entries.join(" and ")}`);
}

const manifest = {};
for (const [file, { entryPoint }] of Object.entries(result.metafile.outputs)) {
  if (!entryPoint) continue;
  const name = path.basename(file);
  manifest[name.replace(/-[A-Z0-9]+(\.[a-z]+)$/, "$1")] = name;
  const whole = await readFile(path.join(fresh, name));
  await writeFile(path.join(fresh, `${name}.gz`), gzipSync(whole, { level: 9 })); // served to browsers that read it
}
await writeFile(path.join(fresh, "manifest.json"), JSON.stringify(manifest, null, 1));
await rm(built, { recursive: true, force: true });
await rename(fresh, built);
console.log(`browser assets: ${Object.values(manifest).join(", ")}`);
