// Goes through every page of the dashboard that links lead to, by the Tab key alone. Prints the paths of the pages, and
// what cannot be reached, does not show the focus, or works with a mouse only, as JSON.
//   node dashboard_keyboard.mjs <URL of the API> <e-mail address of an operator> <password>

import { report, watched } from "./browser.mjs";

const [api, email, password] = process.argv.slice(2);
const FOLDER = "/studio";
const AT_ONCE = 10;
const MAX_ROUNDS = 40;

await report(work);

async function work(browser) {
  const found = { unreached: [], unmarked: [], mouseOnly: [], errors: [], outside: [] };
  const open = async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    const { page, errors, outside } = await watched(context, [new URL(api).host]);
    await page.addInitScript(prepare);
    found.errors.push(errors);
    found.outside.push(outside);
    return page;
  };
  const walk = async (page, path, within = "main") => {
    await page.goto(`${api}${FOLDER}${path}`);
    await page.locator("h1").waitFor();
    await page.locator("main [aria-busy=true]").first().waitFor({ state: "detached" });
    for (const [what, elements] of Object.entries(await tabThrough(page, within))) found[what].push(...elements.map((html) => [path, html]));
  };

  const page = await open();
  await walk(page, "/");
  await page.getByRole("button", { name: "Continue on this machine" }).press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await walk(page, "/", "body");

  const seen = new Set();
  const waiting = ["/", "/account/"];
  while (waiting.length) {
    const path = waiting.shift();
    if (seen.has(kindOf(path))) continue;
    seen.add(kindOf(path));
    await walk(page, path);
    const links = await page.locator(`a[href^="${FOLDER}/"]`).evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    waiting.push(...links.map((link) => link.slice(FOLDER.length).replace(/#.*/, "")));
  }

  const person = await open();
  await person.goto(`${api}${FOLDER}/profile/`);
  await person.getByLabel("E-mail address").fill(email);
  await person.getByLabel("Password").fill(password);
  await person.keyboard.press("Enter");
  await person.getByRole("heading", { name: "Profile" }).waitFor();
  const own = ["/profile/", "/tenants/"];
  for (const path of own) await walk(person, path);
  return { pages: [...new Set([...seen, ...own].map((path) => path.split(" ")[0]))], ...found };
}

/** A page with another filter is the same; one with another tab, or for something new, is not. */
function kindOf(path) {
  const [name, query] = path.split("?");
  const parts = [...new URLSearchParams(query)].filter(([key, value]) => key === "tab" || key === "section" || value === "new");
  return [name, ...parts.flat()].join(" ");
}

async function tabThrough(page, within) {
  let left = await page.evaluate((place) => globalThis.keyboard.begin(place), within);
  for (let round = 0; round < MAX_ROUNDS && left > 0; round++) {
    // In an editor of code the key indents; Escape gives it back its meaning.
    if (await page.evaluate(() => document.activeElement.matches(".cm-content"))) await page.keyboard.press("Escape");
    for (let press = 0; press < Math.min(left, AT_ONCE); press++) await page.keyboard.press("Tab");
    left = await page.evaluate(() => globalThis.keyboard.left());
  }
  return page.evaluate(() => globalThis.keyboard.result());
}

/** Runs in the page. */
function prepare() {
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex], [contenteditable=true]";
  const KEYBOARD = `${FOCUSABLE}, label, [role=option], [role=menuitem]`;
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[inert]");
  const focusable = () => [...document.querySelectorAll(FOCUSABLE)].filter((element) => element.tabIndex >= 0 && !element.disabled && isShown(element));
  const describe = (element) => element.cloneNode(false).outerHTML.slice(0, 200) + element.textContent.slice(0, 60);
  const hasMark = (element, pseudo) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element, pseudo);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  };
  const around = (element) => [element, element.parentElement, element.closest("label"), element.firstElementChild].filter(Boolean);
  // An editor of code shows it a moment later, and a connection of the canvas by the width of its line.
  const OTHERWISE = ".cm-content, .react-flow__edge";

  let expected = [];
  let reached = new Set();
  let unmarked = new Set();
  const groupOf = (element) => (element.type === "radio" ? [...document.getElementsByName(element.name)] : [element]);
  const left = () => expected.filter((element) => element.isConnected && isShown(element) && !groupOf(element).some((each) => reached.has(each)));

  addEventListener("focusin", ({ target }) => {
    reached.add(target);
    if (!target.matches(OTHERWISE) && !around(target).some((each) => hasMark(each) || hasMark(each, "::after"))) unmarked.add(target);
  });

  globalThis.keyboard = {
    begin(place) {
      document.activeElement?.blur();
      const inside = document.querySelector(place);
      getSelection().setBaseAndExtent(inside, 0, inside, 0);
      [expected, reached, unmarked] = [focusable().filter((element) => inside.contains(element)), new Set(), new Set()];
      return expected.length;
    },
    left: () => left().length,
    result() {
      const usesMouse = (element) =>
        getComputedStyle(element).cursor === "pointer" &&
        isShown(element) &&
        !element.closest(KEYBOARD) &&
        !element.querySelector(FOCUSABLE) &&
        getComputedStyle(element.parentElement).cursor !== "pointer";
      return {
        unreached: left().map(describe),
        unmarked: [...unmarked].map(describe),
        mouseOnly: [...document.body.querySelectorAll("*")].filter(usesMouse).map(describe),
      };
    },
  };
}
