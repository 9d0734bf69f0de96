// Follows a call on the page of the quickstart, and prints what it shows, as JSON.
//   node quickstart.mjs <page> <URL of the API> <e-mail address> <password>

import { report, watched } from "./browser.mjs";

const [url, api, email, password] = process.argv.slice(2);

await report(work);

async function work(browser) {
  const { page, errors, outside } = await watched(await browser.newContext(), [new URL(url).host, new URL(api).host]);
  await page.goto(url);
  await page.getByLabel("E-mail address").fill(email);
  const refusing = page.waitForEvent("dialog");
  await page.getByLabel("Password").fill("not the password");
  await page.keyboard.press("Enter");
  const refusal = await refusing;
  const refused = refusal.message();
  await refusal.accept();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  const lines = page.locator("form p");
  await lines.filter({ hasText: "Sunrise Clinic" }).waitFor();
  await page.getByLabel("Message").fill("I need an appointment");
  await page.keyboard.press("Enter");
  await lines.filter({ hasText: "When suits you?" }).waitFor();
  return { refused, lines: await lines.allInnerTexts(), errors, outside };
}
