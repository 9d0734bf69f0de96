// Causes problems before and during a call, and prints what the page says, as JSON.
//   node talk-problems.mjs <page whose LiveKit is unavailable> <page without LiveKit> <API key>

import { launch, signIn, watched } from "./browser.mjs";

const [away, without, key] = process.argv.slice(2);
const DEVICE = "--use-fake-device-for-media-stream";
const elsewhere = away.replace("127.0.0.1", "studio.test");

console.log(
  JSON.stringify({
    withoutLivekit: await said(without, [], (page) => page.locator("#notice").innerText()),
    insecure: await said(elsewhere, ["--host-resolver-rules=MAP studio.test 127.0.0.1"], (page) =>
      page.locator("#notice").innerText(),
    ),
    denied: await said(away, [DEVICE, "--use-fake-ui-for-media-stream=deny"], async (page) => {
      await page.getByRole("button", { name: "Start the call" }).click();
      const problem = await page.getByRole("alert").innerText();
      return [problem, await page.locator("#call").isVisible()];
    }),
    unreachable: await said(away, [DEVICE, "--use-fake-ui-for-media-stream"], async (page) => {
      await page.getByRole("button", { name: "Start the call" }).click();
      await page.locator("#away").waitFor();
      const problem = await page.locator("#away-why").innerText();
      await page.locator("#give-up").click();
      await page.locator("#summary").waitFor();
      return [problem, await page.locator("#summary-title").innerText()];
    }),
    unknown: await said(`${away}#call=nothing`, [DEVICE], (page) =>
      page.getByRole("alert").innerText(),
    ),
  }),
);

async function said(url, flags, see) {
  const browser = await launch(...flags);
  try {
    const { page } = await watched(await browser.newContext(), []);
    await signIn(page, url, key);
    await page.locator("#start:enabled, #notice:not([hidden]), #problem:not([hidden])").first().waitFor();
    return await see(page);
  } catch (error) {
    throw new Error(await browser.contexts()[0].pages()[0].locator("body").innerText(), {
      cause: error,
    });
  } finally {
    await browser.close();
  }
}
