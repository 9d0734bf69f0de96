// A person signs in to the dashboard with a second factor, watches a call from its list to its end, and signs out;
// then the local installation signs in. Prints what was seen, as JSON.
//   node dashboard.mjs <url of the API> <API key> <e-mail address> <password> <recovery code>

import { readFile } from "node:fs/promises";
import { barriers, report, watched } from "./browser.mjs";

const [api, key, email, password, code] = process.argv.slice(2);

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const found = [];
  const check = async (where) => found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
  const press = (name) => page.getByRole("button", { name }).click();
  const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();

  await page.goto(`${api}/`);
  await heading("Sign in");
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill("not the password of anyone");
  await page.keyboard.press("Enter");
  const refused = await page.locator("main").getByRole("alert").innerText();
  await check("sign-in");
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  await page.getByLabel("Code").fill(code);
  await page.keyboard.press("Enter");
  await heading("Overview");
  await page.getByRole("heading", { name: "Three steps to the first call" }).waitFor();
  await page.getByText("No call has ended today.").waitFor();
  await check("overview of a new tenant");

  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const skipped = await page.evaluate(() => document.activeElement?.id);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("dark");
  await check("palette");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("calls");
  await page.keyboard.press("Enter");
  await heading("Calls");
  const themed = await page.evaluate(() => document.documentElement.dataset.theme);
  const keyboard = { skipped, palette: new URL(page.url()).pathname, themed };
  await page.evaluate(() => localStorage.removeItem("agent-studio:theme"));
  await page.reload();
  await page.getByRole("heading", { name: "No calls yet" }).waitFor();
  await check("no calls");

  await start();
  const row = page.getByRole("link", { name: /In conversation/ });
  await row.waitFor();
  await check("calls");
  await press(/^Filter/);
  await page.getByRole("dialog").waitFor();
  await check("filter");
  await page.keyboard.press("Escape");
  const sorted = [];
  for (const sort of ["descending", "ascending"]) {
    await press("Duration");
    await page.locator(`th[aria-sort=${sort}]`, { hasText: "Duration" }).waitFor();
    sorted.push(sort);
  }
  await page.getByRole("link", { name: "All", exact: true }).click();
  await page.locator("th[aria-sort=descending]", { hasText: "Started" }).waitFor();

  await row.focus();
  await page.keyboard.press("Enter");
  await heading(/^clinic/);
  const conversation = page.getByRole("region", { name: "Conversation" });
  await conversation.locator("[data-turn]", { hasText: "Sunrise Clinic, hello." }).waitFor();
  let forward;
  const isSeen = new Promise((resolve) => (forward = resolve));
  await page.route("**/graphql", async (route) => {
    if (/mutation SendMessage/.test(route.request().postData() ?? "")) await isSeen;
    await route.fallback();
  });
  await page.getByLabel("Message of the caller").fill("I need an appointment");
  await page.keyboard.press("Enter");
  await conversation.locator("[data-turn=Caller]", { hasText: "I need an appointment" }).getByText("sending…").waitFor();
  forward();
  await conversation.locator("[data-turn]", { hasText: "When suits you?" }).waitFor();
  await check("live call");
  const turns = await conversation.locator("[data-turn]").evaluateAll((all) =>
    all.map((turn) => [turn.dataset.turn, turn.querySelector("[data-words]").textContent]),
  );
  await press("End the call");
  await check("question");
  await page.getByRole("dialog").getByRole("button", { name: "End the call" }).click();
  await page.locator("h1 + p", { hasText: "Ended by an operator" }).waitFor();
  for (const tab of ["Latency", "Event log"]) {
    await page.getByRole("tab", { name: tab }).click();
    await page.getByRole("tabpanel", { name: tab }).waitFor();
    await check(tab);
  }

  await page.goto(`${api}/studio/calls/`);
  await page.getByRole("link", { name: /Completed/ }).waitFor();
  const downloading = page.waitForEvent("download");
  await press("Download as CSV");
  const csv = await readFile(await (await downloading).path(), "utf8");
  const [header, ...rows] = csv.trim().split("\r\n");

  await page.getByRole("link", { name: "Agents", exact: true }).click();
  await heading("Agents");
  await page.getByRole("link", { name: /booking/ }).waitFor();
  await check("agents");

  await press(/^Account/);
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await heading("Sign in");
  await press("Continue on this machine");
  await heading("Agents");
  await page.getByRole("link", { name: /booking/ }).click();
  await page.getByLabel("Instructions").waitFor();
  await check("agent");
  await page.getByLabel("Display name").fill("Bookings");
  await press("Save");
  await heading("Bookings");
  await page.getByRole("link", { name: "API keys" }).click();
  await heading("API keys");
  await press("New key");
  await page.getByLabel("Name").fill("CI");
  await press("Create");
  const made = await page.getByLabel("Key", { exact: true }).inputValue();
  await press("Done");
  await page.getByText(`${made.slice(0, 12)}…`).waitFor();
  await check("keys");
  const local = page.getByRole("button", { name: /^Account/ }).getByText("Local installation");
  return {
    ...{ refused, keyboard, turns, errors, outside },
    barriers: found,
    live: { row: true, sorted },
    ended: "Ended by an operator",
    csv: [header, rows.length],
    local: await local.innerText(),
  };
}

async function start() {
  const query = `mutation { startCall(input: { workflow: { slug: "clinic" } }) { ... on Error { message } } }`;
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  if (errors || data.startCall.message) throw new Error(JSON.stringify(errors ?? data));
}
