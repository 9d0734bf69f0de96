// Builds the folders of these pages in static/; dashboard/ builds its own. The bytes are the same on every machine:
// versions are locked, and no file has a date.

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));

// Two web fonts would be larger than all other styles; system fonts serve as well.
const withoutFonts = {
  name: "without fonts",
  setup({ onLoad }) {
    onLoad({ filter: /graphiql\/dist\/style\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/@font-face\s*\{[^}]*\}/g, ""),
      loader: "css",
    }));
  },
};

for (const folder of ["graphiql", "talk", "account", "widget"]) await rm(`static/${folder}`, { recursive: true, force: true });
await page("graphiql", "main.jsx", []);
await page("talk", "main.js", ["icon.svg"]);
await page("account", "main.js", []);
await widget();

async function page(name, entry, files) {
  const [from, to] = [`src/${name}`, `static/${name}`];
  await mkdir(to, { recursive: true });
  for (const file of ["index.html", ...files]) await copyFile(`${from}/${file}`, `${to}/${file}`);
  await bundle(to, { app: `${from}/${entry}` }, "iife");
}

/** The element, and the voice of its calls, which it loads when a voice call is started. */
async function widget() {
  const client = "../../../client";
  const entries = {
    "agent-studio-call": `${client}/widget/src/element.ts`,
    voice: `${client}/typescript/src/voice.ts`,
  };
  await bundle("static/widget", entries, "esm");
}

async function bundle(to, entryPoints, format) {
  const { metafile } = await build({
    entryPoints,
    outdir: to,
    bundle: true,
    minify: true,
    metafile: true,
    format,
    target: "es2022",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    loader: { ".graphql": "text" },
    legalComments: "none", // the full licences are in LICENSES.txt
    nodePaths: [fileURLToPath(new URL("node_modules", import.meta.url))], // for the files in client/
    plugins: [withoutFonts],
  });
  await writeFile(`${to}/LICENSES.txt`, await licences(metafile));
}

/** The licences of all packages that contribute at least one byte to the bundle. */
async function licences(metafile) {
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
  );
  const folders = used.map((path) => path.match(/^.*node_modules\/(@[^/]+\/)?[^/]+/)?.[0]);
  const packages = new Map();
  for (const folder of [...new Set(folders)].filter(Boolean).sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    const text = (await licence(folder)) || `The package contains no licence text. Its package.json declares: ${license}`;
    packages.set(text, [...(packages.get(text) ?? []), `${name} ${version}`]);
  }
  const line = "=".repeat(80);
  return [...packages].map(([text, names]) => `${line}\n${names.join("\n")}\n\n${text}\n`).join("\n");
}

async function licence(folder) {
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, "utf8")));
  return texts.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n");
}
