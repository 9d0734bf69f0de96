// The local installation writes a tool, tests it, and imports a tool of an MCP server. Prints what was seen, as JSON.
//   node dashboard_tools.mjs <url of the API> <API key> <url of an MCP server> <id of a tool with all kinds of steps>

import { mkdir } from "node:fs/promises";
import { barriers, complete, hold, report, watched } from "./browser.mjs";

const [api, key, mcp, everything] = process.argv.slice(2);
const folder = process.env.DASHBOARD_SCREENSHOTS;

await report(work);

async function work(browser) {
  if (folder) await mkdir(folder, { recursive: true });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    if (folder) await photograph(page, where);
  };
  const press = (name, inside = page) => inside.getByRole("button", { name, exact: true }).click();
  const heading = (name) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
  const editor = (name) => page.getByRole("textbox", { name, exact: true });
  const steps = () => page.locator("[data-step]").evaluateAll((all) => all.map((step) => step.textContent));
  const add = async (kind) => {
    await page.getByRole("button", { name: "Add a step to Steps" }).press("Enter");
    await page.getByRole("menuitem", { name: kind, exact: true }).click();
    await page.locator("[data-step]", { hasText: kind }).and(page.locator(":focus")).waitFor();
  };

  await page.goto(`${api}/studio/tools/`);
  await press("Continue on this machine");
  await heading("Tools");
  const row = page.getByRole("row", { name: /book_appointment/ });
  await row.getByText("booking", { exact: true }).waitFor();
  await check("tools");
  const remove = async (name) => {
    await page.getByRole("button", { name: `Actions for ${name}` }).press("Enter");
    await page.getByRole("menuitem").first().and(page.locator(":focus")).waitFor();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await page.getByRole("dialog", { name: `Delete ${name}?` }).waitFor();
  };
  const close = async (name) => {
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: `Actions for ${name}` }).and(page.locator(":focus")).waitFor();
  };
  await remove("book_appointment");
  await press("Delete the tool");
  const refusal = await page.getByRole("dialog").getByRole("alert").innerText();
  await check("refused deletion");
  await close("book_appointment");

  // The answer that comes late is said, and not in the dialog of another tool.
  const release = await hold(page, "deleteTool");
  await remove("book_appointment");
  await press("Delete the tool");
  await close("book_appointment");
  await remove("everything");
  release();
  await page.getByText("book_appointment is used by booking").waitFor();
  const late = await page.getByRole("dialog").getByRole("alert").count();
  await close("everything");

  await page.getByRole("link", { name: "New tool" }).click();
  await heading("New tool");
  await page.getByLabel("Name", { exact: true }).fill("Find Order");
  await page.getByLabel("Description").first().fill("Finds an order.");
  await press("Add a parameter");
  await page.getByLabel("Name", { exact: true }).nth(1).and(page.locator(":focus")).waitFor();
  await page.keyboard.type("order");
  await page.getByLabel("Required").check();
  await press("Add a parameter");
  await page.getByLabel("Name", { exact: true }).nth(2).and(page.locator(":focus")).waitFor();
  await page.keyboard.type("amount");
  await page.getByLabel("Type", { exact: true }).nth(1).selectOption("number");
  await page.getByLabel("Default", { exact: true }).nth(1).pressSequentially("10.05");
  await add("Respond to the model");
  await editor("Message").click();
  await page.keyboard.type("It is {{nowhere.status}}");
  await add("HTTP request");
  await editor("URL").click();
  await editor("URL").and(page.locator("[contenteditable]:focus")).waitFor();
  await page.keyboard.type("https://shop.example/orders/{{par");
  await complete(page, editor("URL"), "params.order");
  const completed = await editor("URL").innerText();
  await page.locator("[data-step]", { hasText: "HTTP request" }).press("Alt+ArrowUp");
  await page.locator("[data-step]:focus", { hasText: "1. HTTP request" }).waitFor();
  await press("Create");
  await page.getByText("This was refused. See the marked fields.").waitFor();
  await page.locator("[aria-invalid=true]").nth(1).waitFor();
  const marked = await page.locator("[aria-invalid=true]").evaluateAll((all) =>
    all.map((field) => field.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id).textContent).at(-1)),
  );
  await check("refused tool");
  await page.getByLabel("Name", { exact: true }).first().fill("find_order");
  await editor("Message").fill("It is {{response.body.status}}");
  await press("Create");
  await heading("find_order");
  await page.getByText("No agent uses this tool.").waitFor();
  const address = page.url();

  await press("JSON Schema");
  const schema = JSON.parse(await editor("JSON Schema").inputValue());
  await press("Form", page.getByRole("group", { name: "View of the parameters" }));
  const test = page.getByRole("region", { name: "Test" });
  await press("Run", test);
  await test.getByText("The arguments do not match the parameters").last().waitFor();
  await test.getByLabel("order (required)").fill("7");
  await test.getByRole("textbox", { name: "Body", exact: true }).fill('{"status": "sent"}');
  await press("Run", test);
  await test.getByText("Every step succeeded.").last().waitFor();
  const result = await test.getByLabel("What the model receives").innerText();
  const ran = await test.getByRole("list", { name: "Steps that ran" }).getByRole("listitem").evaluateAll((all) => all.map((item) => item.querySelector(".font-medium").textContent));
  await check("tool");
  const amount = test.getByLabel("amount", { exact: true });
  await amount.fill("12345678901234567890");
  await press("Run", test);
  await test.getByText("A value is not a number, or has too many digits.").waitFor();
  await amount.fill("");
  await page.getByLabel("Description").first().fill("Finds all.");
  await press("Discard");
  const answer = await test.getByRole("textbox", { name: "Body", exact: true }).innerText();

  await page.getByLabel("Description").first().fill("Finds an order by its number.");
  await page.getByText("There are unsaved changes.").waitFor();
  await edit(address);
  await page.getByText("Another person saved this tool meanwhile.").waitFor();
  await check("conflict");
  await press("keep yours");
  await press("Save");
  await page.getByText(/^Revision 3, saved/).waitFor();
  await page.goto(address);
  await heading("find_order");
  await page.getByLabel("The caller must agree before the tool does anything").and(page.locator(":checked")).waitFor();
  const kept = [await page.getByLabel("Description").first().inputValue(), await steps()];

  await page.goto(`${api}/studio/tool/?id=${encodeURIComponent(everything)}`);
  await heading("everything");
  await page.getByTitle("Drag to move").first().dragTo(page.locator("[data-step]").nth(1));
  await page.locator("[data-step]:focus", { hasText: "2. Set a value" }).waitFor();
  const closed = page.locator("[data-step][aria-expanded=false]");
  while (await closed.count()) await closed.first().press("Enter");
  await editor("Condition").first().waitFor();
  await check("all kinds of steps");
  await press("Save");
  await page.getByText(/^Revision 2, saved/).waitFor();

  await page.goto(`${api}/studio/mcp/?server=gone`);
  await page.getByRole("heading", { name: "The server does not list its tools" }).waitFor();
  await check("server that fails");
  await press("Add a server");
  await page.getByLabel("Name", { exact: true }).fill("shop");
  await page.getByLabel("Address").fill(mcp);
  await press("Add a row to Headers");
  await page.getByLabel("Name of Headers, 1").fill("X-Shop");
  await editor("Value of Headers, 1").fill("main");
  await check("server");
  await press("Save");
  await page.getByRole("heading", { name: "stock" }).waitFor();
  await page.getByText("1 parameter", { exact: true }).first().click();
  await check("tools of a server");
  await page.getByRole("checkbox", { name: "Import stock" }).press("Space");
  await press("Import 1 tool");
  await page.getByRole("link", { name: "shop_stock" }).waitFor();

  // Another person allows a tool while a header of the server is edited.
  await press("Edit");
  await editor("Value of Headers, 1").fill("north");
  await allow("prices");
  await press("Save");
  await page.getByText("Another person edited the settings meanwhile.").waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll("textarea")].some(({ value }) => value.includes("prices")));
  await check("server after a conflict");
  await press("Save");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const { mcpServers } = (await request("{ settings { mcpServers { name headers allow } } }")).settings;
  await page.getByRole("link", { name: "shop_stock" }).click();
  await heading("shop_stock");
  await page.locator("[data-step]", { hasText: "shop: stock" }).waitFor();
  const imported = await steps();
  return { ...{ refusal, late, completed, marked, schema, result, ran, answer, kept, mcpServers, imported, errors, outside }, barriers: found };
}

/** What another person does meanwhile. */
async function edit(address) {
  const id = new URL(address).searchParams.get("id");
  const query = `mutation ($id: ID!) { updateTool(input: { id: $id, expectedRevision: 1, confirm: true }) { ... on Error { message } } }`;
  const { updateTool } = await request(query, { id });
  if (updateTool.message) throw new Error(updateTool.message);
}

async function allow(tool) {
  const { settings } = await request("{ settings { revision mcpServers { name url headers allow } } }");
  const mcpServers = settings.mcpServers.map((server) => (server.name === "shop" ? { ...server, allow: [...server.allow, tool] } : server));
  const query = "mutation ($input: UpdateSettingsInput!) { updateSettings(input: $input) { ... on Error { message } } }";
  const { updateSettings } = await request(query, { input: { expectedRevision: settings.revision, mcpServers } });
  if (updateSettings.message) throw new Error(updateSettings.message);
}

async function request(query, variables = {}) {
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function photograph(page, where) {
  for (const [width, colorScheme] of [[390, "light"], [800, "dark"], [1440, "light"], [1440, "dark"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/tools-${where.replaceAll(" ", "-")}-${width}-${colorScheme}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1440, height: 900 });
}
