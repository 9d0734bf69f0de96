// A person of the local installation creates, compares, publishes, restores and tests workflows. Prints what was seen,
// as JSON.
//   node dashboard_workflows.mjs <url of the API> <API key>

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { barriers, report, watched } from "./browser.mjs";

const [api, key] = process.argv.slice(2);
const screenshots = process.env.DASHBOARD_SCREENSHOTS;
const WIDTHS = [390, 800, 1440];

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    await shoot(page, where);
  };
  const press = (name) => page.getByRole("button", { name, exact: typeof name === "string" }).click();
  const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();
  const dialog = page.getByRole("dialog");
  const inDialog = (name) => dialog.getByRole("button", { name, exact: true }).click();
  const closed = () => dialog.waitFor({ state: "detached" });
  const told = (text) => page.getByText(text).first().waitFor();
  const choose = async (row, item) => {
    await press(`Actions for ${row}`);
    await page.getByRole("menuitem", { name: item }).click();
  };

  await page.goto(`${api}/studio/workflows/`);
  await heading("Sign in");
  await press("Continue on this machine");
  await heading("Workflows");
  const clinic = page.getByRole("row", { name: /clinic/ });
  await clinic.getByText("Version 1").waitFor();
  await check("workflows");

  await press("New workflow");
  await dialog.getByLabel("Name").fill("Night desk");
  const slug = await dialog.getByLabel("Slug").inputValue();
  await dialog.getByLabel("Slug").fill("clinic");
  await inDialog("Create");
  const taken = await dialog.locator("[id$=-problem]").innerText();
  await check("new workflow");
  await dialog.getByLabel("Slug").fill("night-desk");
  await inDialog("Create");
  await page.waitForURL(/\/studio\/workflow\/\?id=/);

  await page.goto(`${api}/studio/workflows/?sort=updated`);
  await page.getByRole("row", { name: /Night desk/ }).getByText("Draft", { exact: true }).waitFor();
  await choose("Night desk", "Rename…");
  await dialog.getByLabel("Name").fill("Night line");
  await inDialog("Save");
  await closed();
  await page.getByRole("row", { name: /Night line/ }).waitFor();
  await choose("clinic", "Duplicate…");
  await inDialog("Duplicate");
  await page.getByRole("row", { name: /Copy of clinic/ }).waitFor();
  await choose("Night line", "Delete…");
  await inDialog("Delete the workflow");
  await page.getByRole("row", { name: /Night line/ }).waitFor({ state: "detached" });

  const exported = await saved(page, () => choose("clinic", "Export as JSON"));
  await press("Import…");
  const file = dialog.getByLabel("File");
  await file.setInputFiles({ name: "clinic.yaml", mimeType: "application/yaml", buffer: Buffer.from("agents: []") });
  const refused = await dialog.getByRole("alert").innerText();
  const bundle = JSON.parse(exported);
  bundle.agents[0].prompt.greeting = "Sunrise Clinic, good evening.";
  await file.setInputFiles({ name: "clinic.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(bundle)) });
  await dialog.getByRole("heading", { name: "What the import would do" }).waitFor();
  await check("import");
  await inDialog("Import");
  await closed();

  await choose("clinic", "Versions");
  await heading("clinic");
  const panel = page.getByRole("region", { name: "Changes" });
  await panel.getByRole("heading", { name: /^Agent/ }).first().waitFor();
  const changes = (await panel.locator("li").allInnerTexts()).map((text) => text.split("\n")[0]);
  await check("draft");
  await page.getByRole("button", { name: "Publish…" }).focus();
  await page.keyboard.press("Enter");
  await dialog.getByLabel("Note").fill("A greeting for the evening.");
  await check("publish");
  await editDraft();
  await inDialog("Publish");
  const conflict = await dialog.getByRole("alert").innerText();
  await dialog.getByText("The description was added.").waitFor();
  await inDialog("Publish");
  await closed();
  const versions = page.getByRole("navigation", { name: "Draft and versions" });
  await versions.getByRole("link", { name: /Version 2 new calls run it A greeting for the evening\./ }).waitFor();

  await versions.getByRole("link", { name: /Version 1/ }).click();
  await panel.getByRole("heading", { name: "Version 1" }).waitFor();
  await page.reload();
  await panel.getByRole("heading", { name: "Node booking" }).waitFor();
  await page.getByLabel("Compared with").selectOption({ label: "version 2" });
  await panel.getByText("The greeting changed.").waitFor();
  await check("version");
  await press("Restore…");
  await dialog.getByText("Publish it at once").waitFor();
  await check("restore");
  await inDialog("Restore");
  await told("Version 1 was restored as the draft.");
  await closed();
  await versions.getByRole("link", { name: /^Draft 2 changes/ }).waitFor();

  await press("Talk to the draft");
  await inDialog("Speak");
  const silent = await dialog.getByRole("alert").innerText();
  await inDialog("Write");
  const conversation = dialog.getByRole("region", { name: "Conversation" });
  await conversation.locator("[data-turn]", { hasText: "Sunrise Clinic, hello." }).waitFor();
  await dialog.getByLabel("Message of the caller").fill("I need an appointment");
  await page.keyboard.press("Enter");
  await page.keyboard.type("On Monday");
  await dialog.getByText("reception → booking").waitFor();
  await conversation.locator("[data-turn]", { hasText: "When suits you?" }).waitFor();
  const typed = await dialog.getByLabel("Message of the caller").inputValue();
  await check("talk");
  await inDialog("Hang up");
  await dialog.getByRole("link", { name: "Open the call" }).click();
  await heading(/^clinic/);
  await press("Make a simulation");
  await dialog.getByLabel("Suite").waitFor();
  await check("simulation");
  const suite = await saved(page, () => inDialog("Download"));
  return {
    ...{ slug, taken, refused, changes, conflict, silent, typed, errors, outside },
    suite: suite.split("\n").filter((line) => /say:|handoff:/.test(line)).map((line) => line.trim()),
    barriers: found,
  };
}

async function saved(page, start) {
  const downloading = page.waitForEvent("download");
  await start();
  return readFile(await (await downloading).path(), "utf8");
}

/** Pictures of what is on the screen, for a reader. */
async function shoot(page, where) {
  if (!screenshots) return;
  await mkdir(screenshots, { recursive: true });
  const size = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await writeFile(join(screenshots, `workflows-${where.replaceAll(" ", "-")}-${width}-${colorScheme}.png`), await page.screenshot());
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(size);
}

/** Another person edits the draft. */
async function editDraft() {
  const { workflow } = await ask(`{ workflow(by: { slug: "clinic" }) { id revision } }`);
  const input = { id: workflow.id, expectedRevision: workflow.revision, description: "The clinic by day and by night." };
  await ask(`mutation ($input: UpdateWorkflowInput!) { updateWorkflow(input: $input) { ... on Error { message } } }`, { input });
}

async function ask(query, variables) {
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors || Object.values(data).some((value) => value?.message)) throw new Error(JSON.stringify(errors ?? data));
  return data;
}
