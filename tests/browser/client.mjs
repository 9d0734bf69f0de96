// Uses the pages of another host with the clients, and prints what they show, as JSON.
//   node client.mjs pages <page> <API> <tokens as JSON> <call> [<folder for screenshots>]
//   node client.mjs voice <page> <API> <LiveKit's host>

import { barriers, report, watched } from "./browser.mjs";

const [part, host, api, ...more] = process.argv.slice(2);
await report(
  (browser) => (part === "voice" ? voice(browser, ...more) : pages(browser, ...more)),
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
);

async function pages(browser, tokens, call, screenshots) {
  const context = await browser.newContext();
  const ours = [new URL(host).host, new URL(api).host];
  const found = { text: await text(context, ours, screenshots) };
  const { page, errors, outside } = await watched(context, ours);
  let refreshes = 0;
  context.on("request", (request) => {
    if (request.postData()?.includes("mutation RefreshSession")) refreshes += 1;
  });
  const other = await context.newPage();
  await page.goto(host);
  await page.evaluate((text) => localStorage.setItem("agent-studio:tokens", text), tokens);
  const url = `${host}/react?call=${encodeURIComponent(call)}`;
  // The access token has expired, and both tabs notice at once.
  await Promise.all([page.goto(url), other.goto(url)]);
  const greeting = "reception: Sunrise Clinic, hello.";
  for (const tab of [page, other]) await tab.getByRole("listitem").filter({ hasText: greeting }).waitFor();
  await page.getByLabel("Message").fill("I need an appointment");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  for (const tab of [page, other]) await tab.getByText("booking: Booking here. When suits you?").waitFor();
  await other.getByRole("button", { name: "End", exact: true }).click();
  await page.getByRole("heading", { name: "Ended: HUNG_UP_BY_USER" }).waitFor();
  const turns = await page.getByRole("listitem").allInnerTexts();
  return { ...found, react: { turns, refreshes, errors, outside } };
}

async function text(context, ours, screenshots) {
  const { page, errors, outside } = await watched(context, ours);
  await page.goto(host);
  const log = page.getByRole("log");
  const chat = page.getByRole("button", { name: "Start a chat" });
  await chat.waitFor();
  const found = { barriersBefore: await barriers(page) };
  await chat.focus();
  await page.keyboard.press("Enter");
  await log.getByText("Sunrise Clinic, hello.").waitFor();
  found.focused = await page.evaluate(() => document.activeElement.shadowRoot.activeElement.id);
  await page.keyboard.type("I need an appointment");
  await page.keyboard.press("Enter");
  await log.getByText("Booking here. When suits you?").waitFor();
  found.turns = (await log.innerText()).split("\n").filter(Boolean);
  found.barriersDuring = await barriers(page);
  if (screenshots) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${screenshots}/widget-${colorScheme}.png` });
    }
  }
  await page.getByRole("button", { name: "End the call" }).click();
  found.status = await page.getByRole("status").innerText();
  await chat.waitFor();
  await page.close();
  return { ...found, errors, outside };
}

async function voice(browser, livekit) {
  const context = await browser.newContext();
  const { page, errors, outside } = await watched(context, [new URL(host).host, new URL(api).host, livekit]);
  const button = (name) => page.getByRole("button", { name, exact: true });
  await page.goto(host);
  await button("Start a call").click();
  await page.getByText("Connected. You can speak now.").waitFor();
  await page.locator("agent-studio-call audio").waitFor({ state: "attached" });
  await button("Mute").click();
  await button("Unmute").waitFor();
  const found = { barriers: await barriers(page) };
  await button("End the call").click();
  await page.getByText("The call has ended.").waitFor();
  return { ...found, errors, outside };
}
