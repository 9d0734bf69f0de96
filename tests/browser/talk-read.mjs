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
} finally {
  await browser.close();
}
