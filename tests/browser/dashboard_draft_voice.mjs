// A person talks to a draft by voice, and closes the panel, which ends the call. Prints what was seen, as JSON.
//   node dashboard_draft_voice.mjs <url of the API> <API key> <host of LiveKit> <WAV file for the microphone>

import { barriers, report, watched } from "./browser.mjs";

const [api, key, liveKit, wav] = process.argv.slice(2);

await report(
  work,
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${wav}%noloop`,
);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host, liveKit]);
  await page.goto(`${api}/studio/workflows/`);
  await page.getByRole("button", { name: "Continue on this machine" }).click();
  await page.getByRole("button", { name: "Actions for clinic" }).click();
  await page.getByRole("menuitem", { name: "Talk to the draft…" }).click();
  const panel = page.getByRole("dialog", { name: "Talk to the draft" });
  await panel.getByRole("button", { name: "Speak" }).click();
  await panel.getByText("You are the caller").waitFor();
  await panel.locator("[data-turn]", { hasText: "Sunrise Clinic, hello." }).waitFor();
  await panel.locator("[data-turn]", { hasText: "I need an appointment" }).waitFor();
  await panel.getByText("reception → booking").waitFor();
  const found = await barriers(page);
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "detached" });
  return { ended: await endOfCall(), barriers: found, errors, outside };
}

async function endOfCall() {
  for (;;) {
    const query = "{ calls(first: 1) { edges { node { endReason version { number } } } } }";
    const response = await fetch(`${api}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key },
      body: JSON.stringify({ query }),
    });
    const { endReason, version } = (await response.json()).data.calls.edges[0].node;
    if (endReason) return [endReason, version.number];
    await new Promise((resume) => setTimeout(resume, 200));
  }
}
