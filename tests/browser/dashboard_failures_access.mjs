// An owner who also operates the installation, and people without a session, lose the connection at every mutation about
// people, keys, the audit log, tenants and their own account. Prints what the pages did wrong, as JSON.
//   node dashboard_failures_access.mjs <url of the API> <owner> <password> <viewer> <invited address> <token of an invitation>

import { reportFailures } from "./failures.mjs";
import { totp } from "./totp.mjs";

const [api, owner, password, viewer, invited, invitation] = process.argv.slice(2);

await reportFailures(api, [signIn, members, rolesAndProviders, keysAndAudit, tenants, profile, links]);

async function signIn({ page, heading, field, press, fails }) {
  await page.goto(`${api}/studio/people/`);
  await field("E-mail address").fill(owner);
  await field("Password").fill(password);
  await fails("Login", () => press("Sign in"), { then: () => heading("People") });
}

async function members({ page, dialog, field, press, choose, said, closed, open, fails }) {
  await press("Invite a person");
  await field("E-mail address").fill("lin@acme.example");
  await fails("InviteMember", () => press("Invite"), { wrong: { email: "E-mail address" }, then: () => field("Link").waitFor() });
  await press("Done");
  await choose(`Actions for ${invited}`, "Withdraw…");
  await fails("WithdrawInvitation", () => press("Withdraw the invitation"), { then: closed });

  await open("/people/", "People");
  const row = page.getByRole("row", { name: viewer });
  const act = (item) => choose(/^Actions/, item, row);
  await act("Change the role…");
  await field("Role").selectOption("EDITOR");
  await fails("ChangeMemberRole", () => press("Change the role"), { wrong: { role: "Role" }, then: closed });
  await fails("SuspendMember", () => act("Suspend"), { then: () => row.getByRole("cell", { name: "Suspended", exact: true }).waitFor() });
  await fails("ResumeMember", () => act("Resume"), { then: () => row.getByRole("cell", { name: "Active", exact: true }).waitFor() });
  await act("Link to set a password…");
  await fails("CreatePasswordResetLink", () => press("Create the link"), {
    then: () => dialog.getByLabel("Link", { exact: true }).waitFor(),
  });
  await press("Done");
  await act("End all sessions…");
  await fails("EndSessionsOfMember", () => press("End the sessions"), { then: () => said(/sessions? w(as|ere) ended/) });
  await act("Remove…");
  await fails("RemoveMember", () => press("Remove the member"), { then: () => row.waitFor({ state: "detached" }) });
}

async function rolesAndProviders({ page, heading, field, press, asks, said, open, fails }) {
  await open("/role/", "New role");
  await field("Name").fill("support");
  await page.getByRole("checkbox").last().check();
  await fails("CreateRole", () => press("Create"), { wrong: { name: "Name" }, then: () => heading("support") });
  await field("Description").fill("Answers questions.");
  await fails("UpdateRole", () => press("Save"), {
    wrong: { description: "Description" },
    then: () => said("The role support was saved."),
  });
  await asks("Delete");
  await fails("DeleteRole", () => press("Delete the role"), { then: () => heading("People") });

  await open("/people/?tab=providers", "People");
  await page.getByRole("link", { name: "Sign in with Acme" }).click();
  await heading("Sign in with Acme");
  await field("Text of the button").fill("Continue with Acme");
  await field("Everyone else").selectOption("VIEWER");
  await fails("UpdateIdentityProvider", () => press("Save"), {
    wrong: { label: "Text of the button" },
    then: () => heading("Continue with Acme"),
  });
  const issuer = await field("Issuer").inputValue();
  await asks("Delete");
  await fails("DeleteIdentityProvider", () => press("Delete the identity provider"), { then: () => heading("People") });
  await open("/identity-provider/", "New identity provider");
  await field("Name").fill("acme");
  await field("Text of the button").fill("Sign in with Acme");
  await field("Issuer").fill(issuer);
  await field("Client ID").fill("studio");
  await fails("CreateIdentityProvider", () => press("Create"), { wrong: { issuer: "Issuer" }, then: () => heading("Sign in with Acme") });
}

async function keysAndAudit({ page, field, press, asks, choose, said, closed, open, fails }) {
  await open("/keys/", "API keys");
  await press("New key");
  await field("Name").fill("website");
  await fails("CreateKey", () => press("Create"), { wrong: { name: "Name" }, then: () => field("Key").waitFor() });
  await press("Done");
  await choose("Actions for website", "Rotate…");
  await fails("RotateKey", () => press("Rotate"), { then: () => field("Key").waitFor() });
  await press("Done");
  const row = page.getByRole("row", { name: /website/ }).filter({ hasText: "In use" });
  await choose("Actions for website", "Revoke…", row);
  await fails("RevokeKey", () => press("Revoke the key"), { then: closed });

  await open("/audit/", "Audit log");
  await press("Change");
  await field("Days").fill("90");
  await fails("SetAuditRetention", () => press("Save"), { wrong: { days: "Days" }, then: () => said("The retention was saved.") });
  await asks("Export…");
  await fails("CreateAuditExport", () => press("Export"), { then: () => page.waitForEvent("download") });
}

async function tenants({ field, press, choose, said, closed, open, fails }) {
  await open("/tenants/", "Tenants");
  await press("New tenant");
  await field("Name").fill("Second");
  await field("Short name").fill("second");
  await fails("CreateTenant", () => press("Create"), { wrong: { slug: "Short name" }, then: () => field("Key").waitFor() });
  await press("Done");
  const act = (item) => choose("Actions for Second", item);
  await act("Edit…");
  await field("Agents").fill("7");
  await fails("UpdateTenant", () => press("Save"), { wrong: { name: "Name" }, then: closed });
  await act("Suspend…");
  await field("Reason").fill("unpaid");
  await fails("SuspendTenant", () => press("Suspend"), { wrong: { reason: "Reason" }, then: closed });
  await fails("ResumeTenant", () => act("Resume"), { then: () => said("Second can use the installation again.") });
  await act("Delete…");
  await field("Type second to confirm").fill("second");
  await fails("DeleteTenant", () => press("Delete the tenant"), { wrong: { confirmSlug: "Type second to confirm" }, then: closed });
  await fails("RestoreTenant", () => act("Restore"), { then: () => said("The deletion of Second was canceled.") });
}

async function profile({ page, dialog, field, press, asks, said, closed, open, fails }) {
  await open("/profile/", "Profile");
  await field("Name").fill("Ada Lovelace");
  const you = page.locator("form", { has: field("Name") });
  await fails("UpdateProfile", () => press("Save", you), { wrong: { name: "Name" }, then: () => said("Your name was saved.") });
  await field("Current password").fill(password);
  await field("New password").fill("a purple boat at noon");
  await fails("ChangePassword", () => press("Change the password"), { wrong: { newPassword: "New password" } });
  const other = page.getByRole("button", { name: /^End the session of/ }).first();
  await fails("EndSession", () => other.click(), { then: () => said(/^The session of .* was ended/) });
  await asks("End all others…");
  await fails("EndSessions", () => press("End the others"), { then: closed });
  await fails("SwitchTenant", () => press("Switch to branch"));
  await asks("Leave…");
  await fails("RemoveMember", () => press("Leave the tenant"));
  await press("Cancel");

  await press("Add an authenticator app…");
  await field("Your password").fill(password);
  await fails("EnrolTotp", () => press("Continue"), { wrong: { currentPassword: "Your password" }, then: () => field("Secret").waitFor() });
  await field("Code").fill(totp(await field("Secret").inputValue()));
  const codes = dialog.getByRole("list", { name: "Recovery codes" });
  await fails("ConfirmTotp", () => press("Activate"), { wrong: { code: "Code" }, then: () => codes.waitFor() });
  const [first, second] = await codes.getByRole("listitem").allInnerTexts();
  await press("Done");
  await press("New recovery codes…");
  await field("Code").fill(first);
  await fails("ReplaceRecoveryCodes", () => press("Create new codes"), { wrong: { code: "Code" } });
  await press("Cancel");
  await press("Remove…");
  await field("Your password").fill(password);
  await field("Code").fill(second);
  await fails("RemoveTotp", () => press("Remove the second factor"), { wrong: { code: "Code" }, then: closed });
}

/** Links, for people who are not signed in. */
async function links({ page, heading, field, press, choose, fails }) {
  await choose(/^Account/, "Sign out");
  await heading("Sign in");
  await press("Forgot the password?");
  await field("E-mail address").fill(viewer);
  await fails("RequestPasswordReset", () => press("Send the link"), { wrong: { email: "E-mail address" } });
  await page.goto(`${api}/studio/account/#reset=void`);
  await heading("Set a new password");
  await field("New password").fill(password);
  await fails("ResetPassword", () => press("Set the password"), { wrong: { newPassword: "New password" } });
  await page.goto("about:blank");
  await page.goto(`${api}/studio/account/#invitation=${invitation}`);
  await heading(/^Join /);
  await field("Your name").fill("Otto");
  await field("Password").fill(password);
  await fails("AcceptInvitation", () => press(/^Join /), { wrong: { password: "Password" }, then: () => heading("Overview") });
}
