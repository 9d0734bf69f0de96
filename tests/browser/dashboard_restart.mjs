// Two browsers watch a call in the dashboard. Prints each of the words once both show them, and what both show in the end,
// as JSON.
//   node dashboard_restart.mjs <URL of the API> <call> <words>…

import { launch, watched } from "./browser.mjs";

const [api, call, ...words] = process.argv.slice(2);

const browsers = await Promise.all([launch(), launch()]);
try {
  const watchers = await Promise.all(browsers.map(watch));
  for (const word of words) {
    await Promise.all(watchers.map(({ turns }) => turns.filter({ hasText: word }).waitFor()));
    console.log(word);
  }
  console.log(JSON.stringify(await Promise.all(watchers.map(result))));
} finally {
  await Promise.all(browsers.map((browser) => browser.close()));
}

async function watch(browser) {
  // Only turns in sight are in the document, so the window shows all of them.
  const context = await browser.newContext({ viewport: { width: 1280, height: 12_000 } });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  await page.goto(`${api}/studio/call/?id=${encodeURIComponent(call)}`);
  await page.getByRole("button", { name: "Continue on this machine" }).click();
  return { page, turns: page.locator("[data-words]"), errors, outside };
}

async function result({ page, turns, errors, outside }) {
  await page.locator("h1 + p", { hasText: "Ended" }).waitFor();
  const shown = await turns.allInnerTexts();
  await page.getByRole("tab", { name: "Event log" }).click();
  await page.locator("option", { hasText: "CallEnded" }).waitFor({ state: "attached" });
  const [all] = await page.locator("option", { hasText: /^All/ }).allInnerTexts();
  // The attempts to connect while there is no API are errors of the console.
  return { shown, all, errors: errors.filter((text) => !/ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|handshake response/.test(text)), outside };
}
