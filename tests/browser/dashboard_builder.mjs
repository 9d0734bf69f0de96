// A person edits a workflow by keyboard, and merges what another one saved meanwhile. Prints what was seen, as JSON.
//   node dashboard_builder.mjs <url of the API> <API key>

import { mkdir } from "node:fs/promises";
import { barriers, complete, report, watched } from "./browser.mjs";

const [api, key] = process.argv.slice(2);
const screenshots = process.env.DASHBOARD_SCREENSHOTS;

await report(work);

async function work(browser) {
  const { workflow } = await send(`{ workflow(by: { slug: "clinic" }) { id } }`);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  page.on("dialog", (dialog) => dialog.accept());
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    await pictures(page, where);
  };
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const heading = (name, level) => page.getByRole("heading", { name, level }).waitFor();
  const node = (id) => page.getByLabel(new RegExp(`^Node ${id},`));
  const text = (part) => page.getByText(part).first().waitFor();
  const open = async (id) => {
    await node(id).focus();
    await page.keyboard.press("Enter");
    await heading(`Node ${id}`, 2);
  };
  const edge = async (name) => {
    await page.getByRole("group", { name: new RegExp(`^Connection ${name},`) }).focus();
    await page.keyboard.press("Enter");
    await heading(`Connection ${name}`, 2);
  };

  await page.goto(`${api}/studio/workflow/?id=${encodeURIComponent(workflow.id)}`);
  await press("Continue on this machine");
  await heading("clinic", 1);
  await node("reception").waitFor();
  await text("No findings");
  await check("workflow");

  // A connection without a pointer.
  await open("booking");
  await check("node");
  await page.getByRole("button", { name: "Connect to…" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await check("connect");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^reception/ })
    .press("Enter");
  await heading("Connection booking → reception", 2);
  await text("1 error");
  await press("Show all findings");
  await press("Connection reception → booking");
  await heading("Connection reception → booking", 2);
  const problem = page.locator("li", { hasText: "could repeat these nodes" });
  const finding = await problem.locator("p").nth(1).innerText();

  // A condition: completed, checked while it is typed.
  await edge("booking → reception");
  const condition = page.getByRole("textbox", { name: "Condition" });
  await condition.click();
  await condition.and(page.locator("[contenteditable]:focus")).waitFor();
  await page.keyboard.type("flags.");
  await complete(page, condition, "flags.booked");
  const completed = await condition.innerText();
  await page.keyboard.type(" and");
  await page.locator("[role=textbox][aria-invalid=true]").waitFor();
  await check("condition");
  for (let count = 0; count < 4; count++) await page.keyboard.press("Backspace");
  await page.getByLabel("Times a call may take it").fill("2");
  await page.getByText(/could repeat these nodes/).first().waitFor({ state: "detached" });

  // A value that the API refuses.
  await page.getByRole("button", { name: /^Show (the workflow|all findings)$/ }).click();
  await page.getByLabel("Slug").fill("Not a slug");
  await page.keyboard.press("Control+s");
  const refused = [await page.getByRole("alert").filter({ hasText: "refuses" }).innerText()];
  refused.push(await page.getByRole("heading", { level: 2 }).last().innerText());
  await check("refused");
  await press("Show the first one");
  refused.push(await page.evaluate(() => document.activeElement.textContent));
  await page.getByLabel("Slug").fill("clinic");

  // Deleting moves the focus; undo brings the node back, with its connections.
  await open("booking");
  await node("booking").press("Delete");
  await node("booking").waitFor({ state: "detached" });
  const removed = {
    nodes: await page.locator(".react-flow__node").count(),
    focus: await page.evaluate(() => document.activeElement.ariaLabel),
  };
  await page.keyboard.press("Control+z");
  await node("booking").waitFor();
  removed.undone = await page.locator(".react-flow__node").count();
  await open("booking");
  await page.keyboard.press("Control+c");
  await page.keyboard.press("Control+v");
  await heading("Node booking_2", 2);
  await node("booking_2").waitFor();
  const pasted = await page.locator(".react-flow__node p:first-of-type.font-mono").allInnerTexts();
  await page.keyboard.press("Control+z");
  await node("booking_2").waitFor({ state: "detached" });
  // What is not a copy of nodes that the page knows is refused.
  await page.evaluate(() => {
    const clipboardData = new DataTransfer();
    const nodes = [{ uid: "a", id: "a", agent: "a", position: { x: 0, y: 0 }, onEntry: "SING" }];
    clipboardData.setData("text/plain", JSON.stringify({ "agent-studio/workflow-nodes": { nodes, connections: [] } }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  });
  await text("so they cannot be pasted.");

  // A reload loses neither the changes nor the place.
  await edge("booking → reception");
  await page.reload();
  await heading("Connection booking → reception", 2);
  await text("There are unsaved changes.");
  const reloaded = await page.getByRole("heading", { level: 2, name: /^Connection/ }).innerText();

  // Another person saves first.
  await edge("reception → booking");
  await page.getByLabel("Description").fill("asks for a date");
  await save(workflow.id);
  await text("Another person saved this workflow meanwhile.");
  await page.keyboard.press("Control+s");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await check("conflict");
  const titles = (section) => dialog.locator("section", { hasText: section }).locator("li > span:first-child").allInnerTexts();
  const conflict = {
    both: await dialog.locator("legend").allInnerTexts(),
    mine: await titles("Changed by you"),
    theirs: (await titles("Changed by them")).sort(),
  };
  await dialog.getByRole("radio", { name: /^Yours/ }).check();
  await dialog.getByRole("button", { name: "Merge" }).click();
  await dialog.waitFor({ state: "detached" });
  await press("Save");
  await text("The workflow was saved.");

  // Undo keeps the focus when there is nothing more to undo, and replaces what is no value.
  await page.evaluate((id) => sessionStorage.setItem(`agent-studio:unsaved:workflow:${id}`, '{"draft": {"nodes": [{"onEntry": "SING"}]}}'), workflow.id);
  await page.reload();
  await text("The unsaved changes that this tab has kept cannot be read.");
  const repeats = page.getByLabel("Times a call may take it");
  await repeats.fill("3");
  await repeats.fill("many");
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.click();
  const undone = [await repeats.inputValue(), await undo.evaluate((button) => [button.ariaDisabled, button === document.activeElement])].flat();

  // A node whose id is being replaced does not make its draft unreadable.
  await open("booking");
  await page.getByLabel("Id", { exact: true }).fill("");
  await page.reload();
  await text("There are unsaved changes.");
  return {
    ...{ finding, completed, refused, removed, reloaded, conflict, undone, errors, outside },
    pasted: pasted.sort(),
    barriers: found,
    stored: await stored(),
  };
}

/** What the other person does: an exit, a description, and other words for the connection. */
async function save(id) {
  const { workflow } = await send(`{ workflow(by: { slug: "clinic" }) { revision } }`);
  const input = {
    id,
    expectedRevision: workflow.revision,
    description: "Answers the phone.",
    nodes: [
      { id: "reception", agent: "reception", isEntry: true, isExit: true },
      { id: "booking", agent: "booking", isExit: true },
    ],
    connections: [{ source: "reception", target: "booking", description: "wants to book" }],
  };
  await send(`mutation ($input: UpdateWorkflowInput!) { updateWorkflow(input: $input) { ... on Error { message } } }`, { input });
}

async function stored() {
  const { workflow } = await send(`{ workflow(by: { slug: "clinic" }) { description graph {
    nodes { key isExit } connections { source target description condition mayRepeat } } } }`);
  return {
    description: workflow.description,
    nodes: workflow.graph.nodes.map(({ key, isExit }) => [key, isExit]),
    connections: workflow.graph.connections.map((each) => [each.source, each.target, each.description, each.condition, each.mayRepeat]),
  };
}

async function send(query, variables = {}) {
  const response = await fetch(`${api}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors || data.updateWorkflow?.message) throw new Error(JSON.stringify(errors ?? data));
  return data;
}

/** Pictures of the page in three widths and both themes, if they are asked for. */
async function pictures(page, name) {
  if (!screenshots) return;
  await mkdir(screenshots, { recursive: true });
  const before = page.viewportSize();
  for (const width of [390, 800, 1440])
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${screenshots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}
