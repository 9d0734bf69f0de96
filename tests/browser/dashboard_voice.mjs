// A person joins a voice call from its page, talks, mutes the microphone, leaves and ends the call. Prints what was
// seen, as JSON.
//   node dashboard_voice.mjs <url of the API> <id of the call> <host of LiveKit> <WAV file for the microphone>

import { barriers, report, watched } from "./browser.mjs";

const [api, id, liveKit, wav] = process.argv.slice(2);

await report(
  work,
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${wav}%noloop`,
);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host, liveKit]);
  const press = (name) => page.getByRole("button", { name }).click();
  const turn = (text) => page.locator("[data-turn]", { hasText: text }).first().waitFor();
  await page.goto(`${api}/studio/call/?id=${encodeURIComponent(id)}`);
  await press("Continue on this machine");
  await press("Join by voice");
  await page.getByRole("dialog").getByRole("button", { name: "Join by voice" }).click();
  await page.getByText("You are the caller").waitFor();
  await turn("Sunrise Clinic, hello.");
  await turn("I need an appointment");
  const found = await barriers(page);
  const mute = page.getByRole("button", { name: "Mute" });
  const muted = [await mute.getAttribute("aria-pressed")];
  for (const pressed of ["true", "false"]) {
    await mute.click();
    await page.locator(`button[aria-pressed=${pressed}]`, { hasText: "Mute" }).waitFor();
    muted.push(pressed);
  }
  await press("Leave");
  await page.getByRole("button", { name: "Join by voice" }).waitFor();
  const turns = await page.locator("[data-turn]").evaluateAll((all) =>
    all.map((each) => [each.dataset.turn, each.querySelector("[data-words]").textContent]),
  );
  await press("End the call");
  await page.getByRole("dialog").getByRole("button", { name: "End the call" }).click();
  await page.locator("h1 + p", { hasText: "Ended by an operator" }).waitFor();
  return { turns, muted, barriers: found, errors, outside };
}
