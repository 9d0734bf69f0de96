// A person describes an agent with all that it can have, is refused, saves it, meets the edit of another person, copies
// it and deletes the copy. Prints what was seen, as JSON.
//   node dashboard_agents.mjs <url of the API> <API key> <file with the texts of templates, as JSON>

import { readFile } from "node:fs/promises";
import { barriers, hold, repeatSounds, report, watched } from "./browser.mjs";

const [api, key, templates] = process.argv.slice(2);
const pictures = process.env.DASHBOARD_SCREENSHOTS;

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  await repeatSounds(page);
  const { valid, invalid, values } = JSON.parse(await readFile(templates, "utf8"));
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    if (pictures) await page.screenshot({ path: `${pictures}/agents-${where.replaceAll(" ", "-")}.png`, fullPage: true });
  };
  const press = (name) => page.getByRole("button", { name, exact: typeof name === "string" }).click();
  const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();
  // Sections have names, too.
  const field = (name) => page.getByLabel(name, { exact: true }).and(page.locator("input, select, textarea, [contenteditable]"));
  const saved = () => page.getByText("The agent was saved.").last().waitFor();
  const keys = async (...names) => {
    for (const name of names) await page.keyboard.press(name);
  };
  // As a person does it: `fill` selects without the editor's knowledge.
  const write = async (editor, text) => {
    await editor.focus();
    await keys("Control+a");
    await page.keyboard.insertText(text);
  };
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id);

  await page.goto(`${api}/studio/agents/`);
  await press("Continue on this machine");
  await heading("Agents");
  await page.getByRole("link", { name: "New agent" }).click();
  await heading("New agent");

  // The editor: a slot is completed by keyboard, its mistakes are marked, and Tab leaves it.
  // What is typed before it is loaded stays, and the page does not move when it is there.
  const instructions = field("Instructions");
  const below = () => field("Greeting").evaluate((greeting) => greeting.getBoundingClientRect().top + scrollY);
  const places = [await below()];
  await instructions.click();
  await page.keyboard.type("You are called at ");
  await instructions.and(page.locator("[contenteditable]:focus")).waitFor();
  places.push(await below());
  await page.keyboard.type("{{call.to");
  await page.getByRole("option", { name: /call\.to_number/ }).waitFor();
  // CodeMirror ignores keys in the first moments of a list, because they may be part of the text.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
  await keys("Enter", "Tab");
  const completed = { isStill: places[0] === places[1], text: await instructions.innerText(), left: await field("Greeting").evaluate((greeting) => greeting === document.activeElement) };
  const refusedSlots = [];
  const mistake = page.locator("#prompt .cm-lintRange-error").first();
  for (const text of invalid) {
    await write(instructions, "Fine.");
    await mistake.waitFor({ state: "detached" });
    await write(instructions, text);
    await mistake.waitFor({ state: "attached" });
    refusedSlots.push(text);
  }
  await write(instructions, valid.join("\n"));
  for (const [path, value] of Object.entries(values)) await page.getByLabel(`For the preview of ${path}`, { exact: true }).fill(value);
  const rendered = await page.locator("[data-preview]").evaluate((preview) => {
    const copy = preview.cloneNode(true);
    for (const empty of copy.querySelectorAll("[data-empty]")) empty.remove();
    return copy.textContent;
  });
  await page.getByLabel("Default of user.unknown", { exact: true }).fill("nothing");

  // The API refuses the name; the message is at the field, and the field has the focus.
  await field("Name").fill("Front Desk");
  await press("Create");
  const alert = page.locator("form").getByRole("alert");
  await alert.waitFor();
  await field("Name").and(page.locator(":focus")).waitFor();
  const refused = { message: await alert.innerText(), focus: await field("Name").evaluate((name) => name === document.activeElement) };
  await check("refused");

  // A chain of models, by keyboard.
  await field("Name").fill("front-desk");
  await page.getByRole("button", { name: "Choose a model" }).focus();
  await page.keyboard.press("Enter");
  await field("Language model: provider").selectOption("openai");
  await field("Language model: model").fill("gpt-4.1-mini");
  await page.getByRole("group", { name: "Language model" }).getByRole("button", { name: "Add a fallback" }).click();
  await field("Fallback 1: provider").selectOption("google");
  await page.getByRole("button", { name: "Move Google Gemini gemini-2.5-flash up" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-label")?.endsWith("down"));
  const moved = { focus: await focused(), first: await field("Language model: provider").inputValue() };
  await page.locator("#models summary").first().click();
  await field("Temperature (from 0 to 2)").first().fill("0.4");
  await page.locator("#voice").getByRole("button", { name: "Choose a provider" }).click();
  await field("Text to speech: provider").selectOption("sarvam");
  await page.getByText("There is no key for Sarvam. Set one under Providers.").waitFor();
  await field("Languages").fill("hi-IN, en-IN, fr");
  await page.getByText("does not list fr").first().waitFor();
  await field("Languages").fill("hi-IN, en-IN");

  // A sample is played and stopped. A voice that the provider cannot have is refused at its field.
  const voice = page.locator("#voice");
  const spoken = async (text) => (await voice.getByRole("status").filter({ hasText: text }).waitFor({ state: "attached" }), text);
  await field("Text to speech: provider").selectOption("local");
  await press(/^Listen to eSpeak/);
  const sample = [await spoken("The sample is playing.")];
  await check("listening");
  await press("Stop the sample");
  await page.getByRole("button", { name: /^Listen to eSpeak/ }).and(page.locator(":focus")).waitFor();
  await press("Add a voice");
  await write(field("Voice"), "--help");
  await press("Listen to the voice for hi-IN");
  await page.locator("#voice .text-bad").nth(1).waitFor();
  sample.push(...(await page.locator("#voice .text-bad").allInnerTexts()));
  await check("voice refused");
  await field("Text to speech: provider").selectOption("sarvam");
  await field("Voice").fill("ritu");
  await page.getByRole("button", { name: "Attach book_appointment" }).click();
  await field("Silence that ends the call (s)").fill("60");
  await press("Add a silence prompt");
  await field("After (s)").fill("12.5");
  await field("The agent is interrupted by").selectOption("SOUND");
  await page.getByLabel("Own phrases that do not interrupt", { exact: true }).check();
  await page.getByLabel("Own phrases that do not interrupt, one a line").fill("mhm\nright");
  await press("Add a wording");
  await page.locator("#texts :focus").waitFor();
  await write(page.locator("#texts").getByLabel("Says"), "Hello?");
  await check("filled");
  await keys("Control+s");
  await heading("front-desk");

  // A deep link opens its section.
  const address = page.url();
  await page.goto(`${address}#session`);
  await page.reload();
  await heading("front-desk");
  await page.waitForFunction(() => {
    const { top, bottom } = document.getElementById("session")?.getBoundingClientRect() ?? { top: -1, bottom: -1 };
    return top < innerHeight / 2 && bottom > 100;
  });
  await page.getByRole("link", { name: "Session", exact: true }).and(page.locator("[aria-current]")).waitFor();
  await page.getByText("No workflow uses it").waitFor();
  await check("saved");

  // Another person saves a field meanwhile; this page keeps its own edits.
  const id = new URL(address).searchParams.get("id");
  await field("Description").fill("Answers first.");
  await update(id, { displayName: "Front desk" });
  await press("Save");
  await press("keep yours");
  await press("Save");
  await saved();
  await heading("Front desk");

  await page.getByRole("link", { name: "Duplicate" }).click();
  await heading("Copy of Front desk");
  const copied = await field("Name").inputValue();
  await check("copy");

  // What was typed is there after another page was looked at; the copy is created also if its page is left meanwhile.
  const toList = async () => {
    await page.getByRole("link", { name: "Agents" }).first().click();
    await heading("Agents");
  };
  await field("Display name").fill("Second desk");
  await toList();
  await page.goBack();
  await heading("Copy of Front desk");
  await page.getByText("your changes were kept").waitFor();
  const kept = [await field("Display name").inputValue()];
  await check("kept");
  await press("Discard them");
  kept.push(await field("Display name").inputValue());
  const release = await hold(page, "createAgent");
  await field("Description").fill("Answers second.");
  await press("Create");
  await toList();
  release();
  await page.getByText("The agent was created.").waitFor();
  await page.goBack();
  await heading("Copy of Front desk");
  kept.push(await field("Description").inputValue());
  await toList();
  await page.getByRole("link", { name: /Front desk \(copy\)/ }).click();
  await heading("Front desk (copy)");
  await press("Delete");
  await press("Delete the agent");
  await heading("Agents");
  await page.getByRole("link", { name: /front-desk-copy/ }).waitFor({ state: "detached" });
  await page.getByRole("link", { name: /front-desk/ }).waitFor();
  const rows = await page.getByRole("row").getByRole("link").allInnerTexts();

  // An agent of a workflow cannot be deleted. Its rules are JSON, which must be complete.
  await page.getByRole("link", { name: /reception/ }).click();
  await heading("reception");
  await press("Delete");
  await press("Delete the agent");
  const inUse = await page.getByRole("dialog").getByRole("alert").innerText();
  await check("in use");
  await page.getByRole("link", { name: "Show where" }).click();
  await page.locator("#used").getByRole("link", { name: "clinic" }).waitFor();
  await page.locator("#models summary").first().click();
  const rules = field("Rules");
  await rules.click();
  await rules.and(page.locator("[contenteditable]:focus")).waitFor();
  await keys("Control+End", "Tab", "x");
  await page.getByText(/^Line \d+: This is not JSON/).waitFor();
  await press("Save");
  await alert.waitFor();
  const unfinished = await alert.innerText();
  await check("unfinished");
  await rules.click();
  await keys("Escape", "Tab");
  const isOut = await rules.evaluate((editor) => editor !== document.activeElement);
  await press("Discard");

  // Rules that the form does not show are not sent, whatever they were.
  await field("Fewest words").fill("");
  await field("The agent is interrupted by").selectOption("NOTHING");
  await press("Save");
  await saved();
  const overflow = [];
  for (const width of [390, 800]) {
    await page.setViewportSize({ width, height: 844 });
    await check(`at ${width}`);
    overflow.push(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth));
  }
  const editor = { completed, refusedSlots, rendered, unfinished, isOut };
  return { ...editor, sample, refused, moved, copied, kept, rows, inUse, overflow, errors, outside, barriers: found };
}

/** Another person changes the agent. */
async function update(id, changes) {
  const { agent } = await graphql("query ($id: ID!) { agent(by: { id: $id }) { revision } }", { id });
  const input = { id, expectedRevision: agent.revision, ...changes };
  await graphql("mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) { __typename } }", { input });
}

async function graphql(query, variables) {
  const headers = { "content-type": "application/json", "x-api-key": key };
  const response = await fetch(`${api}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
