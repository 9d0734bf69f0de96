// Opens an ended call, and prints what the page shows, as JSON.
//   node talk-read.mjs <page with the call's id after #> <API key> [<folder for screenshots>]

import { barriers, launch, signIn, watched } from "./browser.mjs";

const [url, key, screenshots] = process.argv.slice(2);
const browser = await launch();
try {
  const { page, errors, outside } = await watched(await browser.newContext(), [new URL(url).host]);
  await signIn(page, url, key);
  await page.locator("#summary").waitFor();
  for (const more of await page.locator("#story summary").all()) await more.click();
  console.log(
    JSON.stringify({
      lines: await page.locator("#story > li").allInnerTexts(),
      unheard: await page.locator("del").allInnerTexts(),
      context: await page.locator("#context").innerText(),
      figures: await page.locator("#figures > div").allInnerTexts(),
      announced: await page.locator("#announcements p").allInnerTexts(),
      layout: await layout(),
      barriers: await barriers(page),
      errors,
      outside,
    }),
  );
  if (screenshots)
    for (const colorScheme of ["light", "dark"])
      for (const width of [1280, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 860 });
        await page.screenshot({ path: `${screenshots}/read-${colorScheme}-${width}.png`, fullPage: true });
      }

  async function layout() {
    const found = [];
    const before = page.viewportSize();
    for (const width of [390, 800, 1440]) {
      await page.setViewportSize({ width, height: 860 });
      found.push(await page.evaluate(measured));
      if (screenshots) await page.screenshot({ path: `${screenshots}/read-${width}.png`, fullPage: true });
    }
    await page.setViewportSize(before);
    return found;
  }
} finally {
  await browser.close();
}

/** Words of the figures that are broken in the middle, and where the context of the call is. */
function measured() {
  const lines = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return new Set([...range.getClientRects()].map(({ top }) => top)).size;
  };
  const parts = [...document.querySelectorAll("#figures dd")].flatMap((each) => [...each.childNodes]);
  const words = parts.filter((part) => part.nodeType === 3 && !part.data.includes(" "));
  const bottom = document.querySelector("#story").getBoundingClientRect().bottom;
  return {
    broken: words.filter((word) => lines(word) > 1).map((word) => word.data),
    overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    contextIsBelow: document.querySelector("aside").getBoundingClientRect().top >= bottom,
    callIdLines: lines(document.querySelector("#call-id")),
  };
}
