// Measures one part of the dashboard in Chromium, and prints the figures as JSON. It runs next to tests/browser/browser.mjs.
//   node dashboard.mjs load <URL of the API> <API key> <paths as JSON>
//   node dashboard.mjs scroll <URL of the API> <API key> <path of a long call> <its events>
//   node dashboard.mjs live <URL of the API> <API key> <path of a call> <seconds>
//   node dashboard.mjs long <URL of the API> <API key> <path of a long call> <its last words>

import { launch } from "./browser.mjs";

const CPU_SLOWDOWN = 4;
const LIST_PAGES = 10;
const SWIPE = { speed: 3_000, gestureSourceType: "mouse" };
const LOG_SWIPE_PX = 12_000;
const LONG_CALL_RUNS = 3;
const EVENTS_BEFORE_LIVE = 50;

const [part, api, key, ...more] = process.argv.slice(2);
const browser = await launch();
try {
  console.log(JSON.stringify(await { load, scroll, live, long }[part](...more)));
} finally {
  await browser.close();
}

/** A page that is signed in, with an empty cache. */
async function open() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await context.addInitScript((token) => {
    if (!location.protocol.startsWith("http")) return;
    sessionStorage.setItem("agent-studio:token", token);
    localStorage.setItem("agent-studio:signed-in", "1");
  }, key);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  return { page, devtools: await context.newCDPSession(page) };
}

function visit(page, path) {
  return page.goto(`${api}/studio${path}`, { waitUntil: "commit" });
}

/** Milliseconds from the start of the navigation to the frame in which the condition holds. */
async function reached(page, condition, argument) {
  // The values of conditions are times of `performance`.
  return (await page.waitForFunction(condition, argument, { polling: "raf" })).jsonValue();
}

function dataIsShown() {
  const isLoading = !document.querySelector("main h1") || document.querySelector(".skeleton, [aria-busy=true]");
  return !isLoading && performance.now();
}

function wordsAreShown(words) {
  const turns = [...document.querySelectorAll("[data-words]")];
  return turns.some(({ textContent }) => textContent.includes(words)) && performance.now();
}

async function load(paths) {
  const figures = [];
  for (const path of JSON.parse(paths)) {
    const { page, devtools } = await open();
    const ours = new Set();
    let bytes = 0;
    devtools.on("Network.responseReceived", ({ requestId, response }) => {
      if (new URL(response.url).pathname.startsWith("/studio/")) ours.add(requestId);
    });
    devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (ours.has(requestId)) bytes += encodedDataLength;
    });
    await devtools.send("Network.enable");
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWDOWN });
    await visit(page, path);
    const milliseconds = await reached(page, dataIsShown).catch((error) => {
      throw new Error(`${path} does not show its data.`, { cause: error });
    });
    await page.waitForLoadState("load");
    figures.push({ path, kilobytes: bytes / 1_000, seconds: milliseconds / 1_000 });
    await page.context().close();
  }
  return figures;
}

async function scroll(callPath, events) {
  const { page, devtools } = await open();
  await visit(page, "/calls/");
  await reached(page, dataIsShown);
  const list = await framesPerSecond(page, async () => {
    for (let number = 0; number < LIST_PAGES; number += 1) {
      await swipe(devtools, page.locator("main"), 1_000);
      const first = await page.locator("tbody a").first().getAttribute("href");
      await page.getByRole("link", { name: "Next", exact: true }).click();
      await page.waitForFunction((href) => ![null, href].includes(document.querySelector("tbody a")?.getAttribute("href") ?? null), first);
    }
  });
  await visit(page, callPath);
  await page.getByRole("tab", { name: "Event log" }).click();
  await page.locator("option", { hasText: `All (${events})` }).waitFor({ state: "attached" });
  const log = await framesPerSecond(page, () => swipe(devtools, page.getByRole("listbox", { name: "Events" }), LOG_SWIPE_PX));
  return { list, log };
}

async function framesPerSecond(page, work) {
  await page.evaluate(() => {
    const [counted, startedAt] = [{ frames: 0 }, performance.now()];
    const count = () => {
      counted.frames += 1;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
    window.framesPerSecond = () => counted.frames / ((performance.now() - startedAt) / 1_000);
  });
  await work();
  return page.evaluate(() => window.framesPerSecond());
}

async function swipe(devtools, locator, pixels) {
  const { x, y, width, height } = await locator.boundingBox();
  const at = { x: x + width / 2, y: Math.max(y, 0) + Math.min(height, 600) / 2 };
  await devtools.send("Input.synthesizeScrollGesture", { ...at, ...SWIPE, yDistance: -pixels });
}

async function live(path, seconds) {
  const { page, devtools } = await open();
  const host = await browser.newBrowserCDPSession();
  await visit(page, path);
  await reached(page, dataIsShown);
  let events = 0;
  devtools.on("Network.webSocketFrameReceived", ({ response }) => {
    if (response.payloadData.includes('"next"')) events += 1;
  });
  await devtools.send("Network.enable");
  await devtools.send("Performance.enable");
  while (events < EVENTS_BEFORE_LIVE) await page.waitForTimeout(100);
  const before = await used(devtools, host);
  events = 0;
  await page.waitForTimeout(Number(seconds) * 1_000);
  const after = await used(devtools, host);
  const elapsed = after.at - before.at;
  return {
    mainThread: (after.mainThread - before.mainThread) / elapsed,
    renderers: (after.renderers - before.renderers) / elapsed,
    eventsPerSecond: events / elapsed,
  };
}

/** Seconds of processor: of the main thread of the page, and of all threads of the renderers. */
async function used(devtools, host) {
  const { metrics } = await devtools.send("Performance.getMetrics");
  const metric = (name) => metrics.find((each) => each.name === name).value;
  const { processInfo } = await host.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const cpuTimes = renderers.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  return { at: metric("Timestamp"), mainThread: metric("TaskDuration"), renderers: cpuTimes };
}

async function long(path, lastWords) {
  const { page } = await open();
  await visit(page, "/calls/");
  await reached(page, dataIsShown);
  const runs = [];
  for (let run = 0; run < LONG_CALL_RUNS; run += 1) {
    await visit(page, path);
    const first = await reached(page, wordsAreShown, "");
    runs.push({ first: first / 1_000, all: (await reached(page, wordsAreShown, lastWords)) / 1_000 });
  }
  // The API keeps the events that it has sent, so later visits are faster.
  const [{ first, all }, ...later] = runs;
  return { first, all, again: Math.max(...later.map((run) => run.all)) };
}
