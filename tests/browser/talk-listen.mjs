// Plays the recording of an ended call, and prints what was played, as JSON.
//   node talk-listen.mjs <page with the call's id after #> <API key> [<folder for screenshots>]

import { barriers, launch, signIn, watched } from "./browser.mjs";

const [url, key, screenshots] = process.argv.slice(2);
const browser = await launch();
try {
  const context = await browser.newContext();
  const { page, errors, outside } = await watched(context, [new URL(url).host]);
  await signIn(page, url, key);
  const title = await page.locator("#recording-title").innerText();
  const sound = page.locator("#recording audio");
  await sound.focus();
  await page.keyboard.press("Space");
  const played = await plays(sound);
  const found = { title, played, barriers: await barriers(page) };
  if (screenshots) await page.screenshot({ path: `${screenshots}/listen.png`, fullPage: true });

  const opened = context.waitForEvent("page");
  await page.getByText("Open the audio in a new tab").click();
  found.alone = await plays((await opened).locator("video, audio"));
  console.log(JSON.stringify({ ...found, errors, outside }));
} finally {
  await browser.close();
}

/** How long it is, in seconds, once it has played for half a second. */
function plays(sound) {
  return sound.evaluate(
    (media) =>
      new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`it stays at ${media.currentTime} s`)), 60_000);
        media.addEventListener("error", () => reject(new Error(media.error.message)));
        media.addEventListener("timeupdate", () => {
          if (media.currentTime > 0.5) resolve(media.duration);
        });
      }),
  );
}
