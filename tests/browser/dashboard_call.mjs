// A person plays the recording of a call, looks at its context and its log, follows a long call, tries to join one by
// voice, and reads the figures of the day. Prints what was seen, as JSON.
//   node dashboard_call.mjs <url of the API> <id of a call with a recording> <of a long one> <of a voice call> <host of LiveKit>
// Pictures of the pages are written to the folder DASHBOARD_SCREENSHOTS, if it is set.

import { mkdir } from "node:fs/promises";
import { barriers, report, watched } from "./browser.mjs";

const [api, heard, long, voice, liveKit] = process.argv.slice(2);
const pictures = process.env.DASHBOARD_SCREENSHOTS;
/** Events of the long call, at least. */
const LONG = 4_000;
const SIZES = [390, 800, 1440];
const EXPECTED = /ERR_CONNECTION_REFUSED|ERR_UNSAFE_PORT|ERR_FAILED/;

await report(work, "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required");

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host, liveKit]);
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    if (pictures) await picture(page, where);
  };
  const press = (name) => page.getByRole("button", { name }).click();
  const open = (id, more = "") => page.goto(`${api}/studio/call/?id=${encodeURIComponent(id)}${more}`);
  const conversation = page.getByRole("region", { name: "Conversation" });

  await open(heard);
  await press("Continue on this machine");
  await page.getByRole("region", { name: "Recording" }).locator("path").nth(1).waitFor();
  await check("recording");
  // Slowly, so that the turn is still heard when it is read.
  await page.locator("audio").evaluate((audio) => (audio.playbackRate = 0.0625));
  await press("Play from here: Tuesday, please.");
  const playing = conversation.locator("[aria-current=time]");
  await playing.waitFor();
  const sound = {
    sides: await page.getByRole("region", { name: "Recording" }).locator("path").count(),
    turn: await playing.innerText(),
    from: await page.locator("audio").evaluate((audio) => audio.currentTime >= 0.5 && audio.currentTime < 3),
  };
  await page.locator("audio").evaluate((audio) => audio.pause());

  const point = page.getByLabel("Point in the log");
  const value = () => page.locator("section", { has: point }).locator("dl div").first();
  const pair = async () => [await value().locator("dt span").first().innerText(), await value().locator("dd").innerText()];
  const newest = await pair();
  await point.press("Home");
  const start = await page.getByText("No value was set yet.").innerText();
  const list = page.getByRole("listbox", { name: "Events" });
  await page.getByRole("tab", { name: "Event log" }).click();
  await list.getByRole("option", { name: /ContextChanged/ }).first().click();
  await press("Show the context at this event");
  await page.getByText("set here").waitFor();
  const contexts = { newest, start, before: await pair() };
  await check("context");

  const chosen = () => list.getByRole("option", { selected: true }).locator("span").last().innerText();
  await list.focus();
  const event = { ends: [], again: "", last: await point.getAttribute("max") };
  for (const key of ["Home", "End"]) {
    await page.keyboard.press(key);
    event.ends.push(await chosen());
  }
  await page.waitForURL(new RegExp(`event=${event.last}`));
  await page.reload();
  await page.locator("pre").waitFor();
  event.again = await chosen();
  await check("event");

  await open(long);
  await page.waitForFunction((count) => Number(document.querySelector("#context-point")?.max) > count, LONG);
  const seen = { followed: [], drawn: 0, size: 0, options: 0 };
  seen.size = await conversation.locator("li").last().getAttribute("aria-setsize").then(Number);
  const toNewest = page.getByRole("button", { name: "Newest", exact: true });
  seen.followed.push((await toNewest.count()) > 0);
  await conversation.evaluate((box) => (box.scrollTop = 0));
  await toNewest.waitFor();
  seen.followed.push(true);
  await check("long call");
  await toNewest.click();
  await toNewest.waitFor({ state: "detached" });
  seen.followed.push(false);
  await page.getByLabel("Find in the conversation").fill("question number 1000");
  await conversation.locator("[data-turn]", { hasText: "This is question number 1000" }).waitFor();
  seen.found = await page.getByRole("search").getByRole("status").innerText();
  seen.drawn = await conversation.locator("li").count();
  await page.getByRole("tab", { name: "Event log" }).click();
  seen.options = await list.getByRole("option").first().getAttribute("aria-setsize").then(Number);

  await open(voice);
  const dialog = page.getByRole("dialog");
  const refused = {};
  await press("Join by voice");
  await dialog.getByRole("button", { name: "Join by voice" }).click();
  refused.microphone = await dialog.getByRole("alert").innerText();
  await check("no microphone");
  await context.grantPermissions(["microphone"]);
  await dialog.getByRole("button", { name: "Join by voice" }).click();
  await dialog.getByText("The room of the call cannot be reached.").waitFor();
  refused.room = await dialog.getByRole("alert").innerText();

  await page.goto(`${api}/studio/`);
  const around = (title) => page.locator("div", { has: page.getByRole("heading", { name: title, exact: true }) }).last();
  const figure = (title) => page.getByRole("heading", { name: title, exact: true }).first().locator("xpath=../p").first().innerText();
  await page.getByText("A provider ended one call of today.").waitFor();
  await page.getByRole("heading", { name: "By reason" }).waitFor();
  const overview = {
    figures: { "Calls today": await figure("Calls today"), "Failed today": await figure("Failed today") },
    attention: await page.getByRole("region", { name: "Needs attention" }).getByText("A provider").innerText(),
    ends: (await around("By reason").getByRole("link").allTextContents()).sort(),
  };
  await check("overview");
  await page.route("**/graphql", (route) => route.abort());
  await page.reload();
  overview.unreachable = await page.getByRole("alert").getByRole("heading").innerText();
  await check("overview without an API");
  return {
    ...{ sound, context: contexts, event, long: seen, refused, overview, outside },
    barriers: found,
    errors: errors.filter((text) => !EXPECTED.test(text)),
  };
}

async function picture(page, name) {
  await mkdir(pictures, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of SIZES) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${pictures}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: null });
}
