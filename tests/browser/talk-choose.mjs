// Chooses among many workflows without a microphone, and prints where things are, as JSON.
//   node talk-choose.mjs <page> <API key> [<folder for screenshots>]

import { barriers, launch, signIn, watched } from "./browser.mjs";

const [url, key, screenshots] = process.argv.slice(2);
const SIZES = [390, 800, 1440].map((width) => ({ width, height: 860 }));
const browser = await launch(
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream=deny",
);
try {
  const found = { denied: [] };
  for (const viewport of SIZES) {
    const context = await browser.newContext({ viewport });
    const { page } = await watched(context, [new URL(url).host]);
    await signIn(page, url, key);
    await page.locator("#start:enabled").waitFor();
    await page.getByRole("button", { name: "Start the call" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    found.denied.push(await page.evaluate(placement, viewport.height));
    if (screenshots) await page.screenshot({ path: `${screenshots}/denied-${viewport.width}.png` });
    if (viewport === SIZES[0]) {
      Object.assign(found, await search(page));
      await page.goto(`${url}?workflow=unknown`);
      await page.locator("#start:enabled").waitFor();
      found.chosenForUnknown = await page.locator("input[name=workflow]:checked").count();
    }
    await context.close();
  }
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}

/** Whether the problem is visible without scrolling, and directly below the button. */
function placement(height) {
  const problem = document.querySelector("#problem").getBoundingClientRect();
  const button = document.querySelector("#start").getBoundingClientRect();
  const gap = problem.top - button.bottom;
  return {
    visible: problem.top >= 0 && problem.bottom <= height,
    isBelow: gap >= 0 && gap < 40,
    overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  };
}

async function search(page) {
  const shown = () => page.locator(".option:visible b").allInnerTexts();
  const box = page.getByRole("searchbox", { name: "Search the workflows" });
  const all = (await shown()).length;
  await box.fill("BOOKING 7");
  const matching = await shown();
  const chosen = await page.locator("input[name=workflow]:checked").inputValue();
  await page.keyboard.press("Enter");
  const focused = await page.evaluate(() => document.activeElement.value);
  const barriersFound = await barriers(page);
  await box.fill("nothing like it");
  const none = await page.getByRole("status").filter({ visible: true }).allInnerTexts();
  const startable = await page.locator("#start").isEnabled();
  return { all, matching, chosen, focused, none, startable, barriers: barriersFound };
}
