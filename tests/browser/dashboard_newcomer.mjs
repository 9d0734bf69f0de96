// The way of a newcomer through the dashboard: from the sign-in to a published workflow of two agents with a tool, and to
// its first conversation. Prints what was seen and what it took, as JSON.
//   node dashboard_newcomer.mjs <URL of the API>

import { mkdir } from "node:fs/promises";
import { report, watched } from "./browser.mjs";

const [api] = process.argv.slice(2);
const screenshots = process.env.DASHBOARD_SCREENSHOTS;

/** Seconds of the keystroke-level model: deciding, pointing and clicking, and a key of an average typist. */
const DECISION_S = 1.35;
const CLICK_S = 1.3;
const KEY_S = 0.28;

const RECEPTION = [
  { hears: ["appointment"], says: "One moment.", calls: { tool: "transfer_to_booking" } },
  { says: "How can I help?" },
];
const BOOKING = [
  { after: "book_appointment", says: "You are booked for {{workflow.slot}}." },
  { hears: ["tomorrow"], calls: { tool: "book_appointment", arguments: { slot: "{{heard}}" } } },
  { says: "Which day suits you?" },
];

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const effort = { clicks: 0, keys: 0 };
  const startedAt = performance.now();

  const click = async (target) => {
    effort.clicks += 1;
    await target.click();
  };
  const press = (name, { within = page, exact = true } = {}) => click(within.getByRole("button", { name, exact }));
  const write = async (target, text) => {
    await click(target);
    effort.keys += text.length;
    await page.keyboard.insertText(text);
  };
  const field = (label, text) => write(page.getByRole("textbox", { name: label, exact: true }), text);
  const choose = async (label, option) => {
    effort.clicks += 2;
    await page.getByLabel(label, { exact: true }).selectOption(option);
  };
  const key = async (name) => {
    effort.keys += 1;
    await page.keyboard.press(name);
  };
  const visit = (name) => click(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }));
  const heading = (name) => page.getByRole("heading", { name, level: 1 }).waitFor();
  const picture = async (name) => {
    if (!screenshots) return;
    await mkdir(screenshots, { recursive: true });
    await page.screenshot({ path: `${screenshots}/newcomer-${name}.png`, fullPage: true });
  };

  await page.goto(`${api}/`);
  await press("Continue on this machine");
  await heading("Overview");

  await visit("Tools");
  await click(page.getByRole("link", { name: "New tool" }).first());
  await field("Name", "book_appointment");
  await field("Description", "Books an appointment.");
  await press("Add a parameter");
  effort.keys += "slot".length;
  await page.locator("input[data-parameter]:focus").waitFor();
  await page.keyboard.insertText("slot");
  await press("Add a step to Steps");
  await click(page.getByRole("menuitem", { name: "Set a value" }));
  await field("Context path", "workflow.slot");
  await field("Value", "{{params.slot}}");
  await picture("tool");
  await press("Create");
  await heading("book_appointment");

  const agent = async ({ name, instructions, greeting, rules, tool }) => {
    await visit("Agents");
    await click(page.getByRole("link", { name: "New agent" }).first());
    await field("Name", name);
    await field("Instructions", instructions);
    await field("Greeting", greeting);
    await press("Choose a model");
    await choose("Language model: provider", "scripted");
    await click(page.getByText("Options", { exact: true }).first());
    await field("Rules", JSON.stringify(rules));
    if (tool) await press(`Attach ${tool}`);
    await picture(name);
    await press("Create");
    await heading(name);
  };
  const booking = { name: "booking", instructions: "You book appointments.", greeting: "Booking here. When suits you?", rules: BOOKING };
  await agent({ ...booking, tool: "book_appointment" });
  await agent({ name: "reception", instructions: "You answer the phone.", greeting: "Sunrise Clinic, hello.", rules: RECEPTION });

  await visit("Workflows");
  await press("New workflow");
  await field("Name", "Clinic");
  await choose("First agent", "reception");
  await press("Create");
  await heading("Clinic");
  await press("Add booking");
  await click(page.getByRole("checkbox", { name: /^Exit/ }));
  await click(page.locator(".react-flow__node", { hasText: "reception" }));
  await press("Connect to…");
  await click(page.getByRole("dialog").getByRole("button", { name: /^booking/ }));
  await field("Description", "wants an appointment");
  await page.getByText("No findings").waitFor();
  await picture("workflow");
  await press("Save");
  await page.getByText(/^Revision 2, saved/).waitFor();
  await press("Publish…");
  await press("Publish", { within: page.getByRole("dialog") });
  await page.getByText("Version 1 of Clinic was published.").waitFor();

  await press("Talk");
  await press("Write");
  const turns = page.locator("[data-turn]");
  const heard = (words) => turns.filter({ hasText: words }).waitFor();
  const say = async (text) => {
    await write(page.getByLabel("Message of the caller"), text);
    await key("Enter");
  };
  await heard("Sunrise Clinic, hello.");
  await say("I need an appointment");
  await heard("Booking here. When suits you?");
  await say("tomorrow at ten");
  await heard("You are booked for tomorrow at ten.");
  await picture("conversation");

  const elapsed = (performance.now() - startedAt) / 1_000;
  const seconds = effort.clicks * (DECISION_S + CLICK_S) + effort.keys * KEY_S;
  const conversation = await turns.evaluateAll((all) =>
    all.map((turn) => [turn.dataset.turn, turn.querySelector("[data-words]").textContent]),
  );
  return { conversation, effort: { ...effort, seconds, elapsed }, errors, outside };
}
