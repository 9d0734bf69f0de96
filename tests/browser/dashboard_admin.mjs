// The owner of a tenant works with members, roles, identity providers and the audit log, with the key of a local
// installation. Then an invited person joins and protects the account, and a member sets a new password. Prints what was
// seen, as JSON.
//   node dashboard_admin.mjs <url of the API> <e-mail address of a viewer>

import { readFile } from "node:fs/promises";
import { barriers, report, watched } from "./browser.mjs";
import { textOf } from "./qr.mjs";
import { totp } from "./totp.mjs";

const [api, viewer] = process.argv.slice(2);
const PASSWORD = "violet anchor sled 47 quartz";
const FOLDER = process.env.DASHBOARD_SCREENSHOTS;

await report(work);

async function work(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const { page, errors, outside } = await watched(context, [new URL(api).host]);
  const found = [];
  const check = async (where) => {
    found.push(...(await barriers(page)).map((barrier) => [where, ...barrier]));
    if (FOLDER) await page.screenshot({ path: `${FOLDER}/${where.replaceAll(" ", "-")}.png`, fullPage: true });
  };
  const dialog = page.getByRole("dialog");
  const heading = (name) => page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
  const press = (name, within = page) => within.getByRole("button", { name, exact: true }).click();
  const alert = () => page.locator("form").getByRole("alert").innerText();
  const open = async (path, name) => {
    await page.goto(`${api}/studio${path}`);
    await heading(name);
  };
  const signOut = async () => {
    await page.getByRole("button", { name: /^Account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await heading("Sign in");
  };

  await page.goto(`${api}/studio/people/`);
  await press("Continue on this machine");
  await heading("People");
  const row = page.getByRole("row", { name: viewer });
  await row.waitFor();
  await check("members");

  await press("Invite a person");
  await dialog.getByLabel("E-mail address").fill("not an address@");
  await dialog.locator("form").evaluate((form) => (form.noValidate = true));
  await press("Invite", dialog);
  await dialog.locator('[aria-invalid="true"]:focus').waitFor();
  const refusedAddress = await dialog.locator('[aria-invalid="true"]').evaluate((field) => [field.name, field === document.activeElement]);
  await dialog.getByLabel("E-mail address").fill("lin@acme.example");
  await dialog.getByLabel("Role").selectOption("EDITOR");
  await press("Invite", dialog);
  await dialog.getByLabel("Link").waitFor();
  // What is shown once stays until the button is pressed.
  await page.keyboard.press("Escape");
  await page.mouse.click(5, 5);
  const invitation = await dialog.getByLabel("Link").inputValue();
  await press("Done", dialog);
  await page.getByRole("row", { name: "lin@acme.example" }).waitFor();
  await check("invitations");
  await page.getByRole("link", { name: "Members" }).click();
  const actions = row.getByRole("button", { name: /^Actions/ });
  await actions.press("Enter");
  await page.getByRole("menuitem", { name: "Change the role…" }).click();
  await dialog.getByLabel("Role").waitFor();
  await page.keyboard.press("Escape");
  await actions.and(page.locator(":focus")).waitFor();

  await page.getByRole("link", { name: "Roles" }).click();
  await page.getByRole("link", { name: "Viewer" }).click();
  await heading("Viewer");
  await page.getByText("Built-in roles cannot be changed.").waitFor();
  await page.getByRole("link", { name: "Use as a model" }).click();
  await heading("New role");
  await page.getByLabel("Name").fill("Support");
  await press("Create");
  const refusedName = await alert();
  await check("role");
  await page.getByLabel("Name").fill("support");
  await page.getByLabel("Start, join and end calls, and send messages.").press("Space");
  await press("Create");
  await heading("support");

  await open("/people/", "People");
  await row.getByRole("button", { name: /^Actions/ }).press("Enter");
  await page.getByRole("menuitem", { name: "Change the role…" }).click();
  await dialog.getByLabel("Role").selectOption("support");
  await check("role of a member");
  await press("Change the role", dialog);
  await row.getByText("support").waitFor();

  await open("/role/?name=support", "support");
  const included = await page.getByLabel("Read and follow calls.").isDisabled();
  await press("Delete");
  await press("Delete the role", dialog);
  const inUse = await dialog.getByRole("alert").innerText();
  await press("Cancel", dialog);

  await open("/people/", "People");
  await row.getByRole("link").click();
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  await page.getByText(/^Member since/).waitFor();
  await press("Actions");
  await page.getByRole("menuitem", { name: "Suspend" }).click();
  await page.getByRole("definition").getByText("Suspended", { exact: true }).waitFor();
  await check("member");
  await press("Actions");
  await page.getByRole("menuitem", { name: "Resume" }).click();
  await page.getByRole("definition").getByText("Active", { exact: true }).waitFor();
  await press("Actions");
  await page.getByRole("menuitem", { name: "Link to set a password…" }).click();
  await press("Create the link", dialog);
  const reset = await dialog.getByLabel("Link").inputValue();
  await press("Done", dialog);

  await page.getByRole("link", { name: "What was changed about them" }).click();
  await heading("Audit log");
  const entry = page.getByRole("button", { name: /Changed member/ }).first();
  await entry.press("Enter");
  await page.getByRole("region", { name: "Values before and after" }).waitFor();
  await page.reload();
  await page.getByRole("region", { name: "Values before and after" }).waitFor();
  await check("audit log");
  await page.getByRole("button", { name: /About: member Ada/ }).waitFor();
  const chips = await page.getByRole("list", { name: "Active filters" }).getByRole("button").allInnerTexts();
  await press("Clear all");
  await press("Filter");
  await dialog.getByLabel("Created").check();
  await check("filter of the audit log");
  await press("Show entries", dialog);
  await page.getByRole("button", { name: /Created role support/ }).waitFor();
  await press("Signed head");
  await dialog.getByRole("button", { name: "Download" }).waitFor();
  await check("signed head");
  await page.keyboard.press("Escape");
  await press("Export…");
  const downloading = page.waitForEvent("download");
  await press("Export", dialog);
  const [first] = (await readFile(await (await downloading).path(), "utf8")).split("\n");

  await open("/people/?tab=providers", "People");
  await page.getByRole("heading", { name: "No identity providers yet" }).waitFor();
  await page.getByRole("link", { name: "New identity provider" }).click();
  await heading("New identity provider");
  await page.getByLabel("Name").fill("acme");
  await page.getByLabel("Text of the button").fill("Sign in with Acme");
  await page.getByLabel("Issuer").fill("https://id.acme.example/");
  await page.getByLabel("Client ID").fill("studio");
  await press("Add a rule");
  await page.getByLabel("Group 1", { exact: true }).fill("staff");
  await press("Create");
  const refusedRules = await page.locator('[aria-invalid="true"]').evaluate((field) => field.labels[0].textContent);
  await check("identity provider");
  await open("/limits/", "Limits");
  await page.getByText("Calls at the same time").waitFor();
  await check("limits");
  await signOut();

  await press("Forgot the password?");
  await page.getByLabel("E-mail address").fill(viewer);
  await press("Send the link");
  const unsent = await alert();
  await check("forgotten password");

  await page.goto(`${api}/studio/account/#${new URL(invitation).hash.slice(1)}`);
  await page.getByRole("heading", { name: /^Join / }).waitFor();
  await page.getByLabel("Your name").fill("Lin");
  await page.getByLabel("Password").fill(PASSWORD);
  // As after a sign-in in another tab.
  await page.evaluate(() => new BroadcastChannel("agent-studio:account").postMessage("changed"));
  await check("invitation");
  await page.keyboard.press("Enter");
  await heading("Overview");
  await open("/profile/", "Profile");
  await page.getByLabel("Current password").fill("not the password of Lin");
  await page.getByLabel("New password").fill("purple boats at nine in the noon");
  await press("Change the password");
  await page.locator('[name="currentPassword"][aria-invalid="true"]').waitFor();
  await check("profile");
  await press("Add an authenticator app…");
  await dialog.getByLabel("Your password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  const secret = await dialog.getByRole("textbox", { name: "Secret" }).inputValue();
  const uri = await dialog.getByRole("link", { name: "Open an app on this device" }).getAttribute("href");
  const scanned = textOf(await dialog.getByRole("img", { name: "QR code of the secret" }).evaluate(modulesOf)) === uri;
  await check("authenticator app");
  await dialog.getByLabel("Code", { exact: true }).fill(totp(secret));
  await page.keyboard.press("Enter");
  const listed = dialog.getByRole("list", { name: "Recovery codes" });
  await listed.waitFor();
  const codes = await listed.getByRole("listitem").count();
  await press("Done", dialog);
  await page.getByText("10 of 10 recovery codes are left.").waitFor();
  const tabs = await page.getByRole("navigation", { name: "Main" }).getByRole("link").allInnerTexts();
  const refuse = (route) =>
    /mutation Logout/.test(route.request().postData() ?? "")
      ? route.fulfill({ json: { data: null, errors: [{ message: "The API is busy.", extensions: { code: "UNAVAILABLE" } }] } })
      : route.fallback();
  await page.route("**/graphql", refuse);
  await signOut();
  await page.getByText(/^You are signed out here, but .* The API is busy\./).waitFor();
  await page.unroute("**/graphql", refuse);

  await page.goto(`${api}/studio/account/#${new URL(reset).hash.slice(1)}`);
  await heading("Set a new password");
  await page.getByLabel("New password").fill(PASSWORD);
  await check("new password");
  await page.keyboard.press("Enter");
  await heading("The new password is set");
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("E-mail address").fill(viewer);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await heading("Overview");

  return {
    ...{ errors, outside, refusedAddress, refusedName, included, inUse, chips, refusedRules, unsent, scanned, codes },
    barriers: found,
    exported: Object.keys(JSON.parse(first)),
    hidden: ["API keys", "Audit log"].filter((name) => !tabs.includes(name)),
  };
}

/** Runs in the page: the dark modules of the drawing, without the margin. */
function modulesOf(drawing) {
  const size = drawing.viewBox.baseVal.width - 8;
  const dark = new Set(drawing.lastElementChild.getAttribute("d").match(/M\d+ \d+/g));
  return Array.from({ length: size }, (_, y) => Array.from({ length: size }, (_, x) => dark.has(`M${x + 4} ${y + 4}`)));
}
