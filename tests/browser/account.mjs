// Signs in on the page for accounts with an identity provider, and prints what the page has then, as JSON.
//   node account.mjs <page> <label of the button> <host of the provider>

import { barriers, report, watched } from "./browser.mjs";

const [page_url, label, provider] = process.argv.slice(2);

await report(visit);

async function visit(browser) {
  const context = await browser.newContext({ viewport: { width: 900, height: 760 } });
  const { page, errors, outside } = await watched(context, [new URL(page_url).host, provider]);
  await page.goto(page_url);
  const button = page.getByRole("button", { name: label });
  await button.waitFor();
  const found = await barriers(page);
  await button.click();
  await page.getByRole("heading", { name: "You are signed in" }).waitFor();
  const kept = await page.evaluate(() => ({ ...sessionStorage }));
  const cookies = (await context.cookies()).map(({ name }) => name).filter((it) => it.includes("studio"));
  return { url: page.url(), token: kept["agent-studio:token"], names: Object.keys(kept), cookies, found, errors, outside };
}
