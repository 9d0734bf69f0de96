// Reads pages of the documentation on a desk and on a phone, and prints what is wrong with them, as JSON.
//   node docs.mjs <url of the API> <path>... [SCREENSHOTS=folder]

import { barriers, launch, watched } from "./browser.mjs";

const [host, ...paths] = process.argv.slice(2);
const SIZES = { wide: [1400, 1000], narrow: [390, 844] };
const folder = process.env.SCREENSHOTS;

const browser = await launch();
try {
  const seen = [];
  for (const [size, [width, height]] of Object.entries(SIZES))
    for (const path of paths) seen.push(await read(size, { width, height }, path));
  console.log(JSON.stringify({ seen }));
} finally {
  await browser.close();
}

async function read(size, viewport, path) {
  const context = await browser.newContext({ viewport });
  const { page, errors, outside } = await watched(context, [new URL(host).host]);
  await page.goto(host + path);
  const found = await barriers(page);
  const facts = await page.evaluate(() => {
    const target = document.querySelector(":target")?.getBoundingClientRect();
    return {
      tooWide: document.documentElement.scrollWidth > innerWidth,
      isShown: !target || (target.top >= 0 && target.bottom <= innerHeight),
    };
  });
  for (const colorScheme of folder ? ["light", "dark"] : []) {
    await page.emulateMedia({ colorScheme });
    const name = path.replace("/docs/", "").replace("#", "-") || "index";
    await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` });
  }
  await context.close();
  return { size, path, found, errors, outside, ...facts };
}
