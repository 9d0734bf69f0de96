// Calls a workflow by keyboard alone, and prints what the page shows, as JSON.
//   node talk.mjs <page> <LiveKit's host> <WAV file for the microphone> [<folder for screenshots>]

import { barriers, report, signIn, watched } from "./browser.mjs";

const [page_url, livekit, wav, screenshots] = process.argv.slice(2);
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 860 };

await report(
  visit,
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${wav}%noloop`,
);

async function visit(browser) {
  const context = await browser.newContext({ viewport: WIDE });
  const { page, errors, outside } = await watched(context, [new URL(page_url).host, livekit]);
  const found = {};
  const lines = () => page.locator("#story > li").allInnerTexts();
  const line = (text) => page.locator("#story > li", { hasText: text }).first().waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim());
  const press = async (name) => {
    for (let tries = 0; (await focused()) !== name; tries++) {
      if (tries > 40) throw new Error(`${name} cannot be reached with Tab`);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
  };
  const screenshot = async (name) => {
    if (!screenshots) return;
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
        await page.setViewportSize(viewport);
        await page.screenshot({ path: `${screenshots}/${name}-${colorScheme}-${size}.png` });
      }
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(WIDE);
  };
  const overflows = async () => {
    await page.setViewportSize(NARROW);
    const wider = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    await page.setViewportSize(WIDE);
    return wider;
  };

  await signIn(page, page_url, "as_test_wrong");
  await page.getByText("The API refused this token").waitFor();
  found.refused = errors.splice(0);
  found.barriersSignIn = await barriers(page);
  await screenshot("1-sign-in");
  await press("Use the local token");

  await page.getByRole("group", { name: "Published workflows" }).waitFor();
  await page.locator("#start:enabled").waitFor();
  found.workflows = await page.locator(".option").allInnerTexts();
  found.barriersChoose = await barriers(page);
  await screenshot("2-choose");
  await press("Start the call");

  await line("Sunrise Clinic, hello.");
  found.state = await page.locator("#state").innerText();
  await line("→ booking");
  await line("You are booked for");
  await page.locator(".latency").nth(1).waitFor();
  found.lines = await lines();
  await page.waitForTimeout(500); // words that come late must not stay
  found.unfinished = await page.locator("#now li").allInnerTexts();
  found.context = await page.locator("#context").innerText();
  await page.locator(".latency summary").first().click();
  found.waterfall = await page.locator(".latency").first().locator("th").allInnerTexts();
  found.barriersCall = await barriers(page);
  found.overflows = await overflows();
  await screenshot("3-call");
  await press("Mute");
  found.muted = await page.locator("#mute").innerText();
  found.announced = await page.locator("#announcements p").allInnerTexts();

  await page.reload();
  await page.getByText("This call is still in progress").waitFor();
  await line("You are booked for");
  found.again = (await lines()).slice(0, found.lines.length);
  found.barriersAway = await barriers(page);
  await screenshot("4-reloaded");
  await press("Continue the call");
  await line("Which day suits you?");
  found.back = (await lines()).slice(found.lines.length);
  await press("Hang up");
  await page.locator("#summary-title").filter({ hasText: "You hung up." }).waitFor();
  found.figures = await page.locator("#figures > div").allInnerTexts();
  found.docked = await page.locator("#dock").isVisible();
  found.barriersOver = await barriers(page);
  await screenshot("5-over");

  await page.reload();
  await page.locator("#summary-title").filter({ hasText: "The caller hung up." }).waitFor();
  await press("Another workflow");
  await page.locator("#start:enabled").waitFor();
  found.address = page.url();
  return { ...found, errors, outside };
}
