// The owner of a local installation sets up telephony, keys of providers, secrets and settings. Prints what was seen, as
// JSON.
//   node dashboard_config.mjs <url of the API> <API key>

import { barriers, report, watched } from "./browser.mjs";

const [api, key] = process.argv.slice(2);
const screenshots = process.env.DASHBOARD_SCREENSHOTS;
const BUSY = { data: null, errors: [{ message: "The server is busy.", extensions: { code: "UNAVAILABLE" } }] };

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    if (screenshots) await page.screenshot({ path: `${screenshots}/${where.replaceAll(" ", "-")}.png`, fullPage: true });
  };
  const field = (name) => page.getByLabel(name, { exact: true }).and(page.locator("input, select, textarea"));
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();
  const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();
  const said = (text) => page.getByRole("status").getByText(text).waitFor();
  const dialog = page.getByRole("dialog");
  /** What is said at a field that was refused and has the focus. */
  const refusal = async (name) => {
    await page.locator('[aria-invalid="true"]:focus').first().waitFor();
    const focused = await field(name).evaluate((input) => input === document.activeElement);
    const id = (await field(name).getAttribute("aria-describedby")).split(" ").at(-1);
    const text = await page.locator(`[id="${id}"]`).innerText();
    return focused ? text : `The field ${name} has no focus: ${text}`;
  };

  await page.goto(`${api}/studio/phone/`);
  await press("Continue on this machine");
  await page.getByRole("heading", { name: "No phone numbers yet" }).waitFor();
  const refused = {};

  await follow("Create an inbound trunk");
  await heading("New inbound trunk");
  await field("Name").fill("carrier");
  await field("Allowed addresses").fill("192.0.2.0/30, 192.0.2.9");
  await page.keyboard.press("Enter");
  refused.network = await refusal("Allowed addresses");
  await field("Allowed addresses").fill("192.0.2.0/30");
  await page.keyboard.press("Enter");
  await heading("carrier");

  await page.goto(`${api}/studio/phone/?outbound=new`);
  await heading("New outbound trunk");
  await field("Name").fill("dialer");
  await field("Address").fill("10.1.2.3");
  await field("Region").fill("us");
  await page.getByText("United States", { exact: true }).waitFor();
  await press("Create");
  refused.address = await refusal("Address");
  await field("Address").fill("example.pstn.twilio.com");
  await press("Create");
  await heading("dialer");
  await page.getByText("No number may be shown to callees").waitFor();

  let isBusy = true;
  await page.route("**/graphql", (route) =>
    isBusy && route.request().postData()?.includes("query NumberChoices") ? route.fulfill({ json: BUSY }) : route.continue(),
  );
  await page.goto(`${api}/studio/phone/?number=new`);
  await page.getByText("The workflows and trunks could not be read.").waitFor();
  await check("choices that could not be read");
  isBusy = false;
  await press("Try again");
  await field("Number").fill("555 0100");
  await field("Workflow that answers").selectOption({ label: "clinic" });
  await field("Inbound trunk").selectOption("carrier");
  await field("Outbound trunk").selectOption("dialer");
  await press("Create");
  refused.number = await refusal("Number");
  await field("Number").fill("+12025550123");
  await field("User context").fill('{"desk": "north"}');
  await press("Create");
  await heading("+12025550123");
  await page.getByText("No keeper has compared LiveKit with the numbers").waitFor();
  await check("number");

  await follow("Phone numbers");
  await page.getByRole("link", { name: /\+12025550123/ }).waitFor();
  await check("numbers");
  const search = page.getByRole("searchbox", { name: /^Search numbers/ });
  await search.fill("+1 (202) 555-0199");
  await search.press("Enter");
  await page.getByRole("heading", { name: "No number matches" }).waitFor();
  await search.fill("+1 (202) 555-0123");
  await search.press("Enter");
  await page.getByRole("link", { name: /\+12025550123/ }).waitFor();
  await follow("Inbound trunks");
  await page.getByRole("link", { name: "carrier" }).waitFor();
  await page.getByRole("link", { name: "carrier" }).focus();
  await page.keyboard.press("Enter");
  await heading("carrier");
  await check("inbound trunk");
  await press("Delete");
  await press("Delete the trunk");
  refused.deletion = await dialog.getByRole("alert").innerText();
  await press("Cancel");

  await page.goto(`${api}/studio/phone/?tab=outbound`);
  await page.getByRole("link", { name: "dialer" }).waitFor();
  await check("outbound trunks");
  await page.getByRole("link", { name: "dialer" }).click();
  await heading("dialer");
  await page.getByText("Callees see +12025550123.").waitFor();
  await check("outbound trunk");
  await press("Call a number");
  await field("Number to call").fill("+44 20 7183 8750");
  await field("Workflow").selectOption("clinic");
  await page.keyboard.press("Enter");
  refused.dial = await refusal("Number to call");
  await check("dial");
  await press("Cancel");

  // Another person edits the same field, and then another one.
  await field("Calls per day").fill("50");
  await execute(`mutation { updateOutboundTrunk(input: { id: "${new URL(page.url()).searchParams.get("outbound")}", expectedRevision: 1,
    allowedPrefixes: ["+1876"], limits: { callsPerDay: 75 } }) { ... on Error { message } } }`);
  await press("Save");
  await page.getByText("Another person saved this trunk meanwhile.").waitFor();
  await press("keep yours");
  await press("Save");
  await said("The trunk dialer was saved.");
  const trunk = [await field("Calls per day").inputValue(), await field("Allowed prefixes").inputValue()];

  await follow("Providers");
  await page.getByRole("heading", { name: "Speech to text" }).waitFor();
  await check("providers");
  await page.getByRole("region", { name: "Speech to text" }).getByRole("link", { name: /Deepgram/ }).click();
  await heading(/^Deepgram/);
  await press("Set a key");
  await field("API key").fill("short");
  await press("Store");
  refused.key = await refusal("API key");
  await field("API key").fill("a-key-of-this-test");
  await dialog.getByRole("button", { name: "Test" }).click();
  await dialog.getByText("Accepted", { exact: true }).waitFor();
  await check("key");
  await field("API key").fill("another-key-of-this-test");
  await dialog.getByText("Accepted", { exact: true }).waitFor({ state: "detached" });
  await press("Store");
  await page.getByText("…test").first().waitFor();
  await press("Test");
  await page.getByText("Accepted", { exact: true }).waitFor();
  await check("provider");
  await press("Add a key");
  await dialog.getByText("A key without a label exists already.").waitFor();
  await field("API key").fill("a-third-key-of-this-test");
  await press("Store");
  refused.label = await refusal("Label");
  await check("existing key");
  await press("Replace the key without a label");
  await dialog.getByRole("heading", { name: /^Replace the key/ }).waitFor();
  await press("Cancel");

  await follow("Secrets");
  await page.getByRole("heading", { name: "No secrets yet" }).waitFor();
  await press("New secret");
  await field("Name").fill("crm_token");
  await field("Value").fill("the value of this test");
  await press("Store");
  refused.hosts = await refusal("Hosts");
  await check("secret");
  await field("Hosts").fill("api.crm.example");
  await press("Store");
  await page.getByText("{{secret.crm_token}}", { exact: true }).waitFor();
  await check("secrets");
  await press("New secret");
  await field("Name").fill("crm_token");
  await field("Value").fill("another value of this test");
  await press("Store");
  refused.name = await refusal("Name");
  await check("existing secret");
  await field("Hosts").fill("*.crm.example");
  await press("Replace crm_token");
  await dialog.getByRole("heading", { name: "Replace crm_token" }).waitFor();
  const typed = await field("Hosts").inputValue();
  await field("Hosts").fill("api.crm.example");
  await press("Store");
  await dialog.waitFor({ state: "detached" });
  const { secrets } = await execute("{ secrets { name hosts } }");
  await press("Actions for crm_token");
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await press("Delete the secret");
  await page.getByRole("heading", { name: "No secrets yet" }).waitFor();

  await follow("Settings");
  await heading("Settings");
  const model = page.getByRole("group", { name: "Language model" });
  await model.getByRole("button", { name: "Choose a model" }).click();
  await field("Language model: provider").selectOption("openai");
  await model.getByText("Options").click();
  await model.getByLabel("Temperature").pressSequentially("1.05");
  await press("Save");
  await said("The defaults were saved.");
  await check("defaults");
  await follow("Calling hours");
  await field("Call only at certain hours").check();
  await field("Time zone").fill("Mars/Base");
  await press("Save");
  refused.zone = await refusal("Time zone");
  await check("calling hours");
  await press("Discard");
  await follow("Budgets");
  await field("Dollars per month").fill("500");
  await press("Save");
  await said("The budgets were saved.");
  await page.getByText("$0.00 of $500.00").waitFor();
  await check("budgets");
  await follow("Prices");
  await press("Add a price");
  await field("Provider").fill("openai");
  await field("Model").fill("gpt-4.1-mini");
  await field("Per million input tokens").fill("much");
  await press("Save");
  refused.price = await refusal("Per million input tokens");
  await field("Per million input tokens").fill("0.36");
  await press("Save");
  await said("The prices were saved.");
  await check("prices");
  await follow("Values");
  await field("Values").fill("[1]");
  await press("Save");
  refused.values = await refusal("Values");
  await field("Values").fill('{"name": "Sunrise Clinic"}');
  await press("Save");
  await said("The values were saved.");
  await check("values");
  await follow("Endpoints");
  await press("Add an endpoint");
  await field("Name").fill("crm");
  await field("URL").fill("https://api.crm.example");
  await press("Add a header");
  await field("Header 1").fill("authorization");
  await field("Value 1").fill("Bearer {{secret.crm_token}}");
  await press("Add a header");
  await field("Header 2").fill("Authorization");
  await press("Save");
  refused.header = await refusal("Header 2");
  await check("header that is listed twice");
  await press("Remove header 2");
  await press("Save");
  await said("The endpoints were saved.");
  await check("endpoints");
  await follow("MCP servers");
  await page.getByText("There are no MCP servers yet.").waitFor();
  await check("MCP servers");
  await follow("Spoken texts");
  await press("Add a text");
  await field("Language").fill("en");
  await field("What the agent says").fill("Are you there, {{user.name}}?");
  await press("Save");
  await said("The spoken texts were saved.");
  await check("spoken texts");
  await page.reload();
  await field("What the agent says").waitFor();
  const reloaded = await field("What the agent says").inputValue();

  const { settings } = await execute(`{ settings { revision values defaults { llm { provider model options } } budgets { spendPerMonth }
    prices { provider model inputTokens } endpoints { name url headers } spokenTexts { text language say } } }`);
  return { refused, trunk, reloaded, typed, secrets, settings, errors, outside, barriers: found };
}

async function execute(query) {
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
