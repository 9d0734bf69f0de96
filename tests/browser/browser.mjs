// A Chromium without background requests, and a page whose errors are recorded.

import axe from "axe-core";
import { chromium } from "playwright-core";

const QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking"];
const STILL = ["--disable-component-update", "--disable-sync"];
const AS_ROOT = process.getuid() === 0 ? ["--no-sandbox"] : [];

export const launch = (...more) =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [...QUIET, ...STILL, ...AS_ROOT, ...more],
  });

/** The longest that anything takes to appear on a slow machine; scripts of long calls need most of it. */
const TIMEOUT_MS = 120_000;

/** Prints what `work` has seen in a browser, as JSON; if it fails, also what its pages show. */
export async function report(work, ...flags) {
  const browser = await launch(...flags);
  try {
    console.log(JSON.stringify(await work(browser)));
  } catch (error) {
    for (const page of browser.contexts().flatMap((context) => context.pages()))
      console.error(`${page.url()}\n${await page.locator("body").innerText({ timeout: 5000 }).catch(String)}\n`);
    throw error;
  } finally {
    await browser.close();
  }
}

/** `errors`: what went to the console as one; `outside`: requests to hosts not in `ours`. */
export async function watched(context, ours) {
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const [errors, outside] = [[], []];
  const place = (said) => (said.text().includes("status of 404") ? ` ${said.location().url}` : "");
  // An API on a busy machine asks to try again, which the browser writes into the console.
  const isBusy = (said) => said.text().includes("status of 503");
  page.on("console", (said) => said.type() === "error" && !isBusy(said) && errors.push(said.text() + place(said)));
  page.on("pageerror", (error) => errors.push(String(error)));
  const note = (url) => {
    if (!/^(data|blob):/.test(url) && !ours.includes(new URL(url).host)) outside.push(url);
  };
  page.on("request", (request) => note(request.url()));
  page.on("websocket", (socket) => note(socket.url()));
  return { page, errors, outside };
}

/** Opens the page and offers it a token, by keyboard. */
export async function signIn(page, url, token) {
  await page.goto(url);
  await page.getByLabel("Access token or API key").fill(token);
  await page.keyboard.press("Enter");
}

/** Holds back a mutation until what is returned is called. */
export async function hold(page, mutation) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route("**/graphql", async (route) => {
    if (route.request().postData()?.includes(`${mutation}(`)) await released;
    await route.fallback();
  });
  return release;
}

/** The rules whose result can differ in dark. */
const OF_COLOURS = { runOnly: ["color-contrast", "link-in-text-block"] };

/** Clicks a completion of the editor. A click is lost on a list that is being renewed, so it is repeated then. */
export async function complete(page, editor, text) {
  for (let tries = 0; !(await editor.innerText()).includes(text); tries++) {
    if (tries > 9) throw new Error(`${text} is not taken over.`);
    if (tries) await editor.press("Control+Space");
    await page.getByRole("option", { name: text }).click();
  }
}

/** Sounds repeat, so that they are still played when a script stops them. */
export const repeatSounds = (page) =>
  page.addInitScript(() => {
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function () {
      this.loop = true;
      start.call(this);
    };
  });

/** What of WCAG 2.2 AA and good practice the page does not keep, in light and in dark. */
export async function barriers(page) {
  const found = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
    const { violations } = await page.evaluate((options) => globalThis.axe.run(options), colorScheme === "dark" ? OF_COLOURS : {});
    for (const { id, nodes } of violations)
      found.push(...nodes.map(({ html, failureSummary }) => [colorScheme, id, html, failureSummary]));
  }
  await page.emulateMedia({ colorScheme: null });
  return found;
}
