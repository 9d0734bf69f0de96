// Signs in; or accepts an invitation, or sets a new password, with the token in the fragment of the link.

import { signIn } from "../shared/session.js";
import ACCEPT from "./accept-invitation.graphql";
import LOGIN from "./login.graphql";
import RECEIVED from "./received-invitation.graphql";
import RESET from "./reset-password.graphql";
import "./account.css";

const at = (id) => document.getElementById(id);
const link = new URLSearchParams(location.hash.slice(1));
// The token must not stay in the history of the browser.
history.replaceState(null, "", location.pathname);

async function ask(query, variables) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  if (data.result?.message) throw new Error(data.result.message);
  return data;
}

function show(title, lead) {
  at("title").textContent = title;
  at("lead").textContent = lead;
  document.title = `${title} · Agent Studio`;
}

function report(error) {
  at("problem").textContent = error.message;
  at("problem").hidden = false;
}

/** Ask for a password, new or present, until `use` succeeds with it. */
function askForPassword({ isNew, email }, use) {
  at("email").value = email ?? "";
  at("email").readOnly = email !== undefined;
  at("email-field").hidden = email === "";
  at("password").autocomplete = isNew ? "new-password" : "current-password";
  at("password-label").textContent = isNew ? "New password" : "Your password";
  at("hint").hidden = !isNew;
  at("form").hidden = false;
  at("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    at("submit").disabled = true;
    at("problem").hidden = true;
    try {
      await use(at("password").value);
      at("form").hidden = true;
      at("title").focus();
    } catch (error) {
      report(error);
    } finally {
      at("submit").disabled = false;
    }
  });
}

async function accept(token) {
  const invitation = (await ask(RECEIVED, { token })).receivedInvitation;
  if (!invitation) {
    show("This invitation is not valid", "It was used or withdrawn, or it has expired. Ask for another one.");
    return;
  }
  const { tenant, role, email, hasAccount } = invitation;
  show(`Join ${tenant.name}`, `You are invited as ${email}, with the role ${role}.`);
  at("name-field").hidden = hasAccount;
  askForPassword({ isNew: !hasAccount, email }, async (password) => {
    const name = at("name").value || null;
    const { result } = await ask(ACCEPT, { input: { token, password, name } });
    signIn(result.accessToken);
    show(`Welcome to ${tenant.name}`, "You are signed in, in this tab of the browser.");
    at("next").hidden = false;
  });
}

function reset(token) {
  show("Set a new password", "All your sessions end when it is set.");
  askForPassword({ isNew: true, email: "" }, async (newPassword) => {
    await ask(RESET, { input: { token, newPassword } });
    show("The new password is set", "Sign in with it.");
  });
}

function login() {
  show("Sign in", "Your session is stored in this tab only.");
  askForPassword({ isNew: false }, async (password) => {
    const email = at("email").value;
    const { result } = await ask(LOGIN, { input: { email, password } });
    signIn(result.accessToken);
    show("You are signed in", "This holds for this tab of the browser, for some minutes.");
    at("next").hidden = false;
  });
}

if (link.has("invitation")) accept(link.get("invitation")).catch(report);
else if (link.has("reset")) reset(link.get("reset"));
else login();
