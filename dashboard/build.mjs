// Builds ../graph/web/pages/static/studio: the static export, the licences of what is in it, and build.json, which says
// of which sources it was built. Versions are locked and nothing has a date, so a second build gives the same bytes:
// `node build.mjs --check` builds and fails if the committed files differ.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";

const HERE = import.meta.dirname;
const OUTPUT = join(HERE, "../graph/web/pages/static/studio");
/** What the build reads, relative to the root of the repository. tests/api/test_dashboard.py has the same list. */
const SOURCES = ["client/typescript/lib", "dashboard", "schema.graphql"];
const IGNORED = new Set(["node_modules", ".next", "out", "next-env.d.ts"]);

const isCheck = process.argv.includes("--check");
const before = isCheck ? await digestsOf(OUTPUT) : null;

// npm copies the kit when it installs it; later changes of the kit would be missing.
await cp(join(HERE, "../client/typescript/lib"), join(HERE, "node_modules/agent-studio-client/lib"), { recursive: true });
run("node", "codegen.mjs");
const sources = await digestOfSources(); // before the build: who edits a file meanwhile builds again
if (isCheck) run("npx", "tsc", "--noEmit");
await rm(join(HERE, ".next"), { recursive: true, force: true });
run("npx", "next", "build");
await writeFile(join(HERE, "out/LICENSES.txt"), await licences());
await dropSourceMaps();
await dropUnused();
await rm(OUTPUT, { recursive: true, force: true });
await mkdir(dirname(OUTPUT), { recursive: true });
await cp(join(HERE, "out"), OUTPUT, { recursive: true });
const about = { sources, files: combined(await digestsOf(OUTPUT)) };
await writeFile(join(OUTPUT, "build.json"), `${JSON.stringify(about, null, 2)}\n`);
if (before) report(before, await digestsOf(OUTPUT));

function run(...command) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
  const { status } = spawnSync(command[0], command.slice(1), { cwd: HERE, env, stdio: "inherit" });
  if (status) process.exit(status);
}

async function filesOf(folder) {
  const files = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (IGNORED.has(entry.name) || entry.name.endsWith(".tsbuildinfo")) continue;
    const path = join(folder, entry.name);
    files.push(...(entry.isDirectory() ? await filesOf(path) : [path]));
  }
  return files.sort();
}

/** Path within the folder, to digest. */
async function digestsOf(folder) {
  const files = await filesOf(folder).catch(() => []);
  const named = files.map(async (file) => [relative(folder, file).split(sep).join("/"), digest(await readFile(file))]);
  return new Map(await Promise.all(named));
}

async function digestOfSources() {
  const root = join(HERE, "..");
  const all = new Map();
  for (const source of SOURCES) {
    if (source.endsWith(".graphql")) all.set(source, digest(await readFile(join(root, source))));
    else for (const [name, value] of await digestsOf(join(root, source))) all.set(`${source}/${name}`, value);
  }
  return combined(all);
}

/** One digest of all files. build.json does not count, because it holds the result. */
function combined(digests) {
  const lines = [...digests]
    .filter(([name]) => name !== "build.json")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${value}  ${name}\n`);
  return digest(lines.join(""));
}

function digest(content) {
  return createHash("sha256").update(content).digest("hex");
}

/** The licences of all packages of which a source is in a file that browsers load. */
async function licences() {
  const folders = new Set();
  for (const file of await filesOf(join(HERE, "out"))) {
    if (!file.endsWith(".map")) continue;
    const map = JSON.parse(await readFile(file, "utf8"));
    for (const part of [map, ...(map.sections ?? []).map((section) => section.map)]) {
      for (const source of part.sources ?? []) {
        const path = source.match(/node_modules\/((?:next\/dist\/compiled\/)?(?:@[^/]+\/)?[^/]+)/)?.[1];
        if (path && path !== "agent-studio-client") folders.add(path);
      }
    }
  }
  const packages = new Map();
  for (const folder of [...folders].sort()) {
    const { name, version, license } = await packageOf(folder);
    const text = (await licenceIn(folder)) || `The package contains no licence text. Its package.json declares: ${license}`;
    packages.set(text, [...(packages.get(text) ?? []), [name, version].filter(Boolean).join(" ")]);
  }
  const line = "=".repeat(80);
  return [...packages].map(([text, names]) => `${line}\n${names.join("\n")}\n\n${text}\n`).join("\n");
}

async function packageOf(folder) {
  const file = join(HERE, "node_modules", folder, "package.json");
  const found = await readFile(file, "utf8").then(JSON.parse, () => ({}));
  return { ...found, name: found.name ?? folder };
}

async function licenceIn(folder) {
  const path = join(HERE, "node_modules", folder);
  const files = (await readdir(path).catch(() => [])).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), "utf8")));
  return texts.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n");
}

async function dropSourceMaps() {
  for (const file of await filesOf(join(HERE, "out"))) {
    if (file.endsWith(".map")) await rm(file);
    else if (/\.(js|css)$/.test(file)) {
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=[^\n]*\n?$/, ""));
    }
  }
}

/** Files that browsers do not ask for: parts of pages to load ahead of a click, which no link does, and what makes the
 *  scripts run in browsers that cannot run the rest of the dashboard. */
async function dropUnused() {
  const POLYFILLS = /<script src="\/studio\/([^"]+)" noModule=""><\/script>/g;
  for (const file of await filesOf(join(HERE, "out"))) {
    if (basename(file).startsWith("__next.")) await rm(file);
    if (!file.endsWith(".html")) continue;
    const page = await readFile(file, "utf8");
    for (const [, script] of page.matchAll(POLYFILLS)) await rm(join(HERE, "out", script), { force: true });
    await writeFile(file, page.replaceAll(POLYFILLS, ""));
  }
}

function report(committed, built) {
  const names = new Set([...committed.keys(), ...built.keys()]);
  const different = [...names].filter((name) => committed.get(name) !== built.get(name)).sort();
  if (!different.length) return console.log("The committed files equal a build of the sources.");
  console.error(["These committed files differ from a build of the sources:", ...different].join("\n"));
  process.exit(1);
}
