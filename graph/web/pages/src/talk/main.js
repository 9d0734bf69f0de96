// The page: the current user, the current call, and the actions on them.

import { localToken, onChange, pasted, session, signIn, signOut } from "../shared/session.js";
import { fetchCall, publishedWorkflows } from "./ask.js";
import { Call } from "./call.js";
import { at, h } from "./dom.js";
import { NO_LIVEKIT, NO_MICROPHONES_HERE } from "./words.js";
import "./talk.css";

let call = null; // the current call
let drawnFor = ""; // the token that the current screen was drawn for

const named = () => new URLSearchParams(location.hash.slice(1)).get("call");
const isOut = () => !session().token || session().standing === "REFUSED";

function draw() {
  const { token, standing } = session();
  at("sign-out").hidden = !token;
  at("sign-in").hidden = !isOut();
  at("sign-in-why").classList.toggle("bad", standing === "REFUSED");
  if (isOut()) {
    drawnFor = "";
    at("sign-in-why").textContent =
      standing === "REFUSED"
        ? "The API refused this token: it is wrong or has expired. Sign in again" +
          (call ? "; the call continues meanwhile." : ".")
        : "Sign in to choose a workflow and call it from this browser.";
    if (!call) show("sign-in");
  } else if (token !== drawnFor) {
    drawnFor = token;
    if (!call) begin();
  }
}

/** Show one screen. The sign-in may also appear above a call. */
function show(screen) {
  for (const id of ["sign-in", "choose", "call"]) at(id).hidden = id !== screen;
  at(`${screen}-title`).focus({ preventScroll: true });
}

function complain(problem) {
  at("problem").textContent = problem?.message ?? "";
  at("problem").hidden = !problem;
}

/** Show the call that the address names, or the choice of workflows. */
async function begin() {
  complain(null);
  const id = named();
  if (!id) return choose();
  try {
    const found = await fetchCall(id);
    if (found) return open(found.id, found.workflow, found);
    throw new Error("This call does not exist, has been deleted, or belongs to another tenant.");
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
        : "No workflow is published yet. Publish one with publishWorkflow in GraphiQL, or import " +
          "files with ./studio import FILE --publish, and reload this page.");
    at("notice").hidden = !at("notice").textContent;
    at("start").disabled = !at("notice").hidden;
    at("workflows").replaceChildren(...workflows.map(option));
  } catch (error) {
    if (!isOut()) complain(error);
  }
}

/** The reason why calls are not possible here, shown before a user tries; empty if they are. */
async function obstacle() {
  const response = await fetch("/talk/config.json");
  const { voice } = response.ok ? await response.json() : {};
  if (voice === false) return NO_LIVEKIT;
  return navigator.mediaDevices ? "" : NO_MICROPHONES_HERE;
}

function option({ slug, name, description, published, nodes }, index) {
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
      checked: wanted ? wanted === slug : index === 0,
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

/** The current call was left; show what comes next. */
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
  const token = pasted(at("token").value);
  at("token").value = "";
  if (token) signIn(token);
});
at("use-local").addEventListener("click", () =>
  localToken.fetch("/talk").then(signIn, () =>
    complain(new Error("The local token is no longer available. Was the API restarted?")),
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
