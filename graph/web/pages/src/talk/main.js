// The page: the current user, the current call, and the actions on them.

import { localToken, onChange, pasted, session, signIn, signOut } from "../shared/session.js";
import { fetchCall, publishedWorkflows } from "./ask.js";
import { Call } from "./call.js";
import { at, h } from "./dom.js";
import { NO_LIVEKIT, NO_MICROPHONES_HERE, NO_WORKFLOWS } from "./words.js";
import "./talk.css";

const SEARCHABLE = 8; // with fewer workflows there is nothing to search
const RECHECK_MS = 5_000;

let call = null; // the current call
let checking; // the timer of the next check
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
        ? "The API refused this token: it is wrong, has expired or was revoked. Sign in again" +
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

/** Show a problem below the control that caused it; without one, at the top of the page. */
function complain(problem, control) {
  const element = at("problem");
  element.textContent = problem?.message ?? "";
  element.hidden = !problem;
  if (!problem) return;
  if (control) control.after(element);
  else if (!at("dock").hidden) at("dock").prepend(element);
  else document.querySelector("main").prepend(element);
  element.scrollIntoView({ block: "nearest" });
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
    at("workflows").replaceChildren(...workflows.map(option));
    at("search").value = "";
    at("searching").hidden = workflows.length < SEARCHABLE;
    notify(notice);
  } catch (error) {
    if (!isOut()) complain(error);
  }
}

/** Show why calls are not possible, and check again: the LiveKit server may be being built. */
function notify(notice) {
  at("notice").textContent = notice || (at("workflows").childElementCount ? "" : NO_WORKFLOWS);
  at("notice").hidden = !at("notice").textContent;
  filter();
  clearTimeout(checking);
  if (notice) checking = setTimeout(recheck, RECHECK_MS, notice);
}

async function recheck(before) {
  if (!at("choose").hidden) notify(await obstacle().catch(() => before));
}

/** Show the workflows that contain every word of the search; the chosen one is always among them. */
function filter() {
  const words = at("search").value.toLowerCase().split(/\s+/);
  const options = [...at("workflows").children];
  for (const each of options) {
    const text = `${each.textContent} ${each.control.value}`.toLowerCase();
    each.hidden = !words.every((word) => text.includes(word));
  }
  const found = options.filter((each) => !each.hidden);
  const chosen = options.find((each) => each.control.checked);
  if (chosen?.hidden && found.length) found[0].control.checked = true;
  at("no-match").hidden = found.length > 0 || options.length === 0;
  at("start").disabled = !at("notice").hidden || found.length === 0;
}

/** The reason why calls are not possible here, shown before a user tries; empty if they are. */
async function obstacle() {
  const response = await fetch("/talk/config.json");
  const { voice, voiceNotice } = response.ok ? await response.json() : {};
  if (voiceNotice) return voiceNotice;
  if (voice === false) return NO_LIVEKIT;
  return navigator.mediaDevices ? "" : NO_MICROPHONES_HERE;
}

function option({ slug, name, description, published, graph }, index) {
  const wanted = new URLSearchParams(location.search).get("workflow");
  const agents = [...new Set(graph.nodes.map(({ agentName }) => agentName))].join(", ");
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
    complain(error, button);
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
    complain(
      new Error("The local token is no longer available. Was the API restarted?"),
      at("use-local"),
    ),
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
at("search").addEventListener("input", filter);
at("search").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault(); // it would start a call
  document.querySelector("input[name=workflow]:checked")?.focus();
});
addEventListener("hashchange", () => location.reload());

localToken.offered("/talk").then((offered) => (at("use-local").hidden = !offered));
onChange(draw);
draw();
