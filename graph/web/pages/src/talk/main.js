// The page: who is signed in, which call is at hand, and what can be done about it.

import { localToken, onChange, pasted, session, signIn, signOut } from "../shared/session.js";
import { callAtHand, publishedWorkflows } from "./ask.js";
import { Call } from "./call.js";
import { at, h } from "./dom.js";
import { NO_LIVEKIT, NO_MICROPHONES_HERE } from "./words.js";
import "./talk.css";

let call = null; // the one at hand
let asked = ""; // the token that the screen below was drawn for

const named = () => new URLSearchParams(location.hash.slice(1)).get("call");
const isOut = () => !session().token || session().standing === "REFUSED";

function draw() {
  const { token, standing } = session();
  at("sign-out").hidden = !token;
  at("sign-in").hidden = !isOut();
  at("sign-in-why").classList.toggle("bad", standing === "REFUSED");
  if (isOut()) {
    asked = "";
    at("sign-in-why").textContent =
      standing === "REFUSED"
        ? "The API refused this token: it is wrong or has expired. Sign in again" +
          (call ? "; the call goes on meanwhile." : ".")
        : "Sign in to choose a workflow and call it from this browser.";
    if (!call) show("sign-in");
  } else if (token !== asked) {
    asked = token;
    if (!call) begin();
  }
}

/** One screen at a time; signing in may be asked for above a call. */
function show(screen) {
  for (const id of ["sign-in", "choose", "call"]) at(id).hidden = id !== screen;
  at(`${screen}-title`).focus({ preventScroll: true });
}

function complain(problem) {
  at("problem").textContent = problem?.message ?? "";
  at("problem").hidden = !problem;
}

/** What is shown to whoever has signed in: the call that the address names, or the choice. */
async function begin() {
  complain(null);
  const id = named();
  if (!id) return choose();
  try {
    const found = await callAtHand(id);
    if (found) return open(found.id, found.workflow, found);
    throw new Error("There is no such call, or it is not yours. It may have been deleted by now.");
  } catch (error) {
    if (isOut()) return;
    forget();
    await choose();
    complain(error);
  }
}

function forget() {
  history.replaceState(null, "", location.pathname + location.search);
  document.title = "Talk · Agent Studio";
}

async function choose() {
  show("choose");
  at("start").disabled = true;
  try {
    const [workflows, notice] = await Promise.all([publishedWorkflows(), obstacle()]);
    at("notice").textContent =
      notice ||
      (workflows.length
        ? ""
        : "No workflow is published yet. Publish one with publishWorkflow in GraphiQL, or put " +
          "files in with ./studio import FILE --publish, and load this page again.");
    at("notice").hidden = !at("notice").textContent;
    at("start").disabled = !at("notice").hidden;
    at("workflows").replaceChildren(...workflows.map(option));
  } catch (error) {
    if (!isOut()) complain(error);
  }
}

/** What keeps anybody from calling here, said before they try. */
async function obstacle() {
  const response = await fetch("/talk/config.json");
  const { voice } = response.ok ? await response.json() : {};
  if (voice === false) return NO_LIVEKIT;
  return navigator.mediaDevices ? "" : NO_MICROPHONES_HERE;
}

function option({ slug, name, description, published, nodes }, place) {
  const wanted = new URLSearchParams(location.search).get("workflow");
  const agents = [...new Set(nodes.map(({ agent }) => agent))].join(", ");
  return h(
    "label",
    { class: "option" },
    h("input", {
      type: "radio",
      name: "workflow",
      value: slug,
      "data-name": name,
      checked: wanted ? wanted === slug : place === 0,
      required: true,
    }),
    h(
      "span",
      {},
      h("b", {}, name),
      description && h("span", { class: "about" }, description),
      h("span", { class: "fine" }, `${agents} · version ${published.number}`),
    ),
  );
}

function open(id, workflow, found) {
  history.replaceState(null, "", `${location.pathname}${location.search}#call=${encodeURIComponent(id)}`);
  call = new Call(id, workflow, { complain, over });
  show("call");
  call.watch(found);
}

async function start(workflow) {
  complain(null);
  const button = at("start");
  button.disabled = true;
  const label = button.textContent;
  try {
    await Call.start(workflow, {
      step: (words) => (button.textContent = words),
      open: (id) => open(id, workflow),
      enter: (join, track) => call.enter(join, track),
    });
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    button.textContent = label;
  }
}

/** The call that was at hand is over, and so its place on the page may be taken. */
function over(next) {
  const { workflow } = call;
  call = null;
  forget();
  complain(null);
  if (next === "again" && workflow?.slug) return choose().then(() => start(workflow));
  return choose();
}

at("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = pasted(at("token").value);
  at("token").value = "";
  if (given) signIn(given);
});
at("use-local").addEventListener("click", () =>
  localToken.fetch("/talk").then(signIn, () =>
    complain(new Error("There is no local token any more: is the API still the same?")),
  ),
);
at("sign-out").addEventListener("click", () => {
  call?.leave();
  call = null;
  forget();
  complain(null);
  signOut();
});
at("choose-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const picked = document.querySelector("input[name=workflow]:checked");
  if (picked) start({ slug: picked.value, name: picked.dataset.name });
});
addEventListener("hashchange", () => location.reload());

localToken.offered("/talk").then((offered) => (at("use-local").hidden = !offered));
onChange(draw);
draw();
