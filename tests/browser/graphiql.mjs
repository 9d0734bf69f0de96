// Uses GraphiQL as a user would and prints what the page shows, as JSON.
//   node graphiql.mjs <page> [<folder for screenshots> [light|dark]]

import { report, watched } from "./browser.mjs";

const [page_url, screenshots, colorScheme = "light"] = process.argv.slice(2);

await report(visit);

async function visit(browser) {
  const context = await browser.newContext({
    colorScheme,
    viewport: { width: 1280, height: 760 },
  });
  const { page, errors, outside } = await watched(context, [new URL(page_url).host]);

  const status = page.locator("output");
  const field = page.getByLabel("Access token or API key");
  const editor = (name) => page.locator(`.graphiql-${name} .CodeMirror`).first();
  const run = () => page.getByRole("button", { name: /^Execute query/ }).click();
  const answer = async (part) => {
    await page.locator(".result-window", { hasText: part }).waitFor();
    return JSON.parse(await editor("response").evaluate((node) => node.CodeMirror.getValue()));
  };
  const screenshot = async (name) =>
    screenshots && page.screenshot({ path: `${screenshots}/${colorScheme}-${name}.png` });

  await page.goto(page_url);
  await status.filter({ hasText: "Not signed in" }).waitFor();
  await screenshot("1-empty");
  await run();
  const signedOut = await answer("UNAUTHENTICATED");
  await screenshot("2-signed-out");
  const errorsSignedOut = errors.splice(0);

  await field.fill("as_test_wrong");
  await field.press("Enter");
  await status.filter({ hasText: "The API refused this token" }).waitFor();
  await screenshot("3-refused");
  const errorsRefused = errors.splice(0);

  await page.getByRole("button", { name: "Use local token" }).click();
  await status.filter({ hasText: /^Signed in\.$/ }).waitFor();
  await run();
  const query = await answer("Acme");
  await screenshot("4-query");

  await page.locator(".CodeMirror-line", { hasText: "query Overview" }).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Control+Space");
  await page.locator(".CodeMirror-hints li").first().waitFor();
  const offered = await page.locator(".CodeMirror-hints li").allInnerTexts();
  await screenshot("5-completion");
  await page.keyboard.press("Escape");

  await page.getByRole("tab", { name: "WatchCall" }).click();
  await editor("editor-tool:not(.hidden)").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText('{"callId": "call-1"}');
  await run();
  const subscription = await answer('"received": 3');
  await screenshot("6-subscription");
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await page.locator(".graphiql-doc-explorer", { hasText: "Query" }).waitFor();
  await screenshot("7-documentation");
  await page.getByRole("button", { name: "Show History" }).click();
  await page.locator(".graphiql-history-items", { hasText: "Overview" }).waitFor();
  await screenshot("8-history");

  await page.getByRole("button", { name: "Sign out" }).click();
  const refused = page.waitForEvent("websocket").then((socket) => socket.waitForEvent("close"));
  await run();
  await refused;
  await status.filter({ hasText: "Not signed in" }).waitFor();
  await page.getByRole("button", { name: "Use local token" }).click();
  const waited = await answer('"received": 3');

  const token = await field.inputValue();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]));
  const masked = (await field.getAttribute("type")) === "password";
  return {
    ...{ signedOut, query, offered, subscription, waited, outside },
    ...{ errorsSignedOut, errorsRefused, errors },
    token: { masked, inSession: token, elsewhere: kept.includes(token) },
  };
}
