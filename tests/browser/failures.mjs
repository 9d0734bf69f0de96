// Mutations that fail: a script of an area opens the pages and presses the buttons, and this notes what a page does wrong.

import { repeatSounds, report, watched } from "./browser.mjs";

const LOST = "The API cannot be reached. Check your connection";
const BUSY = "The server did not respond in time; try again.";
const REFUSED = "This value is refused.";
const EXPECTED = /ERR_CONNECTION_FAILED/;

/** Runs the parts of an area in a browser, one after another, and prints what they saw, as JSON. */
export const reportFailures = (api, parts, ...flags) => report((browser) => work(browser, api, parts), ...flags);

async function work(browser, api, parts) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  await repeatSounds(page);
  const bench = new Bench(api, page);
  for (const part of parts) await part(bench);
  return { faults: bench.faults, errors: errors.filter((text) => !EXPECTED.test(text)), outside };
}

class Bench {
  /** What a page did wrong, by the mutation that failed. */
  faults = {};

  constructor(api, page) {
    Object.assign(this, { api, page, dialog: page.getByRole("dialog") });
    page.on("dialog", (question) => question.accept());
  }

  open = async (path, heading) => {
    await this.page.goto(`${this.api}/studio${path}`);
    await this.heading(heading);
  };
  heading = (name) => this.page.getByRole("heading", { name, level: 1, exact: typeof name === "string" }).waitFor();
  /** Dialogs come last in the document. */
  field = (name) => this.page.getByLabel(name, { exact: true }).and(this.page.locator("input, select, textarea, [contenteditable]")).last();
  press = (name, within = this.page) => within.getByRole("button", { name, exact: typeof name === "string" }).click();
  /** Presses what opens a dialog. */
  asks = async (name, within = this.page) => {
    await this.press(name, within);
    await this.dialog.waitFor();
  };
  choose = async (trigger, item, within = this.page) => {
    await within.getByRole("button", { name: trigger, exact: typeof trigger === "string" }).press("Enter");
    await this.page.getByRole("menuitem", { name: item, exact: true }).click();
    if (item.endsWith("…")) await this.dialog.waitFor();
  };
  said = (text) => this.page.getByText(text).last().waitFor();
  closed = () => this.dialog.waitFor({ state: "detached" });

  /** Sends a mutation twice: the first request is lost, the second refused, because of the value at `wrong` if there is
   * one. `wrong` has the label of the field by its path in the input. The third time, if there is a `then`, it succeeds. */
  fails = async (name, send, { wrong, then } = {}) => {
    const faults = (this.faults[name] ??= []);
    const values = await this.page.evaluate(valuesOf);
    const [[path, label] = []] = Object.entries(wrong ?? {});
    await this.#attempt(name, send, null, LOST, faults);
    if (path) await this.#attempt(name, send, refusalOf(path), REFUSED, faults);
    else await this.#attempt(name, send, BUSY_RESPONSE, BUSY, faults);
    if (path && !(await this.#comes(isAtField, [await this.field(label).getAttribute("id"), REFUSED])))
      faults.push(`The refusal is not shown at the field ${label}.`);
    if (`${await this.page.evaluate(valuesOf)}` !== `${values}`) faults.push("What was typed is lost.");
    if (!then) return undefined;
    await send();
    return then();
  };

  async #attempt(name, send, answer, text, faults) {
    let count = 0;
    const cut = (route) => {
      const { query = "" } = route.request().postDataJSON() ?? {};
      const [, mutation, field] = /\bmutation (\w+)[^{]*\{\s*(\w+)/.exec(query) ?? [];
      if (mutation !== name) return route.fallback();
      count += 1;
      return answer ? route.fulfill({ json: answer(field) }) : route.abort("connectionfailed");
    };
    await this.page.route("**/graphql", cut);
    await this.page.evaluate(dismissToasts);
    await send();
    if (!(await this.#comes(isSeen, text))) faults.push(`“${text}” is not in sight.`);
    if (!(await this.#comes(isIdle))) faults.push(`A button is still busy after “${text}”`);
    if (count !== 1) faults.push(`${count} requests were sent.`);
    await this.page.unroute("**/graphql", cut);
  }

  #comes = (condition, argument) =>
    this.page.waitForFunction(condition, argument).then(
      () => true,
      () => false,
    );
}

const BUSY_RESPONSE = () => ({ data: null, errors: [{ message: BUSY, extensions: { code: "UNAVAILABLE" } }] });

const refusalOf = (place) => (field) => {
  const problem = { message: REFUSED, path: ["input", ...place.split(".")] };
  return { data: { [field]: { __typename: "ValidationError", code: "INVALID_INPUT", ...problem, problems: [problem] } } };
};

/** Runs in the page: those of earlier mutations say the same. */
function dismissToasts() {
  for (const button of document.querySelectorAll("[aria-label=Dismiss]")) button.click();
}

/** Runs in the page: whether every button can be pressed again. */
const isIdle = () => !document.querySelector("button[aria-busy=true]");

/** Runs in the page: whether the reader sees a message with the text, without scrolling, and not below something else. */
function isSeen(text) {
  for (const message of document.querySelectorAll("[role=alert], [role=status], [id$=-problem]")) {
    const texts = document.createTreeWalker(message, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { currentNode: node } = texts;
      if (!node.data.includes(text)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const { left, top, width, height } = range.getBoundingClientRect();
      const shown = document.elementFromPoint(left + width / 2, top + height / 2);
      if (shown && (shown.contains(node) || message.contains(shown))) return true;
    }
  }
  return false;
}

/** Runs in the page: whether the field is marked as wrong and described by the text. */
function isAtField([id, text]) {
  const field = document.getElementById(id);
  const problem = document.getElementById(field?.getAttribute("aria-describedby")?.split(" ").at(-1));
  return field?.getAttribute("aria-invalid") === "true" && problem?.textContent.includes(text);
}

/** Runs in the page: what the fields of the dialog or of the page have. */
function valuesOf() {
  const within = document.querySelector("[role=dialog]") ?? document.querySelector("main");
  return [...within.querySelectorAll("input:not([type=file]), select, textarea, .cm-content")].map((field) =>
    JSON.stringify(field.type === "checkbox" ? field.checked : (field.value ?? field.textContent)),
  );
}
