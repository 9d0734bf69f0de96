// The call as it is read: one line for each event, and below them the words being said right now.

import { at, h } from "./dom.js";
import { waterfall } from "./waterfall.js";
import { clock, KINDS, OUTCOMES, shown, VIA } from "./words.js";

const NEAR = 160; // px from the end: whoever is further up is reading

export class Transcript {
  constructor() {
    this.story = at("story");
    this.now = at("now");
    this.partials = new Map(); // by speaker
    this.over = new Set(); // turns that are told whole: what comes late of them is old
    this.tools = new Map();
    this.context = new Map();
    this.agent = "Agent";
    this.story.replaceChildren();
    this.now.replaceChildren();
    this.showContext();
  }

  /** What is to be read out loud of it, if anything. */
  add(event) {
    const draw = this[event.__typename];
    return draw ? this.keepingAtEnd(() => draw.call(this, event)) : undefined;
  }

  keepingAtEnd(change) {
    const page = document.documentElement;
    const reading = page.scrollHeight - page.clientHeight - page.scrollTop > NEAR;
    const result = change();
    if (!reading) page.scrollTop = page.scrollHeight;
    return result;
  }

  PartialTranscript({ turnId, speaker, text }) {
    if (this.over.has(turnId) || !text) return;
    this.partials.get(speaker)?.remove();
    const who = speaker === "CALLER" ? "You" : this.agent;
    const line = turn(who, speaker === "CALLER" ? "you" : "agent", text);
    line.classList.add("partial");
    this.partials.set(speaker, line);
    this.now.append(line);
  }

  whole(turnId, speaker) {
    this.over.add(turnId);
    this.partials.get(speaker)?.remove();
    this.partials.delete(speaker);
  }

  UserTurn({ turnId, text }) {
    this.whole(turnId, "CALLER");
    this.story.append(turn("You", "you", text));
    return `You: ${text}`;
  }

  AgentTurn({ turnId, agent, text, heardText, interrupted }) {
    this.whole(turnId, "AGENT");
    this.agent = agent;
    const words = interrupted ? cutOff(text, heardText.trim()) : [text];
    this.last = turn(agent, "agent", ...words);
    this.story.append(this.last);
    return `${agent}: ${interrupted ? heardText : text}`;
  }

  NodeEntered({ node, agent, skipped }) {
    this.agent = agent;
    at("agent").textContent = node === agent ? agent : `${agent} (${node})`;
    if (skipped.length) this.note("way", `Passed by: ${skipped.join(", ")}`);
  }

  HandedOff({ fromNode, toNode, via }) {
    const why = h("span", { class: "why" }, VIA[via] ?? "");
    this.note("way", h("b", {}, fromNode), " → ", h("b", {}, toNode), " ", why);
    return `Handed over from ${fromNode} to ${toNode}.`;
  }

  HandoffRefused({ fromNode, toNode, message }) {
    this.note("bad", `Not handed over from ${fromNode} to ${toNode}: ${message}`);
  }

  ToolStarted(event) {
    const line = tool(event, h("span", { class: "running" }, "running"));
    this.tools.set(event.toolCallId, line);
    this.story.append(line);
  }

  ToolFinished(event) {
    const [said, ...more] = OUTCOMES[event.outcome].split(":");
    const took = `${said}, ${Math.round(event.durationMs)} ms`;
    const line = tool(event, h("span", { class: event.outcome.toLowerCase() }, took), [
      ...(more.length ? [h("p", {}, more.join(":").trim())] : []),
      h("p", { class: "of" }, "Result"),
      h("pre", { tabindex: "0" }, pretty(event.result)),
    ]);
    const begun = this.tools.get(event.toolCallId);
    if (begun) begun.replaceWith(line);
    else this.story.append(line);
    return `Tool ${event.tool} ${said}.`;
  }

  ContextChanged({ path, value, removed }) {
    if (removed) this.context.delete(path);
    else this.context.set(path, value);
    this.showContext();
    const now = removed ? "removed" : shown(value);
    this.note("data", h("code", {}, path), removed ? " " : " = ", h("code", {}, now));
  }

  TurnMeasured(event) {
    this.last?.querySelector(".said").append(waterfall(event));
  }

  ProviderFailedOver({ providerKind, provider, model, available }) {
    const which = `${KINDS[providerKind]} ${[provider, model].filter(Boolean).join(" ")}`;
    this.note(
      available ? "" : "bad",
      available ? `${which} is back.` : `${which} failed; the next one answers.`,
    );
  }

  CommandRefused({ command, message }) {
    this.note("bad", `${command} was not done: ${message}`);
  }

  RecordingStarted() {
    this.note("", "From here on the call is recorded.");
  }

  CallerPresent({ present }) {
    this.note("", present ? "You are in the room." : "You left the room; the agent waits.");
  }

  CallerSilent({ seconds }) {
    this.note("", `Nothing was said for ${seconds} s.`);
  }

  WorkerReplaced() {
    this.note("bad", "The worker was lost; another one goes on from here.");
  }

  WorkerLeft() {
    this.note("", "The worker is being stopped; another one goes on from here.");
  }

  ErrorRaised({ source, message, recoverable }) {
    const then = recoverable ? "The call goes on." : "The call cannot go on.";
    this.note("bad", `${source}: ${message}. ${then}`);
    return `Error in ${source}. ${then}`;
  }

  CallEnded({ durationMs }) {
    this.now.replaceChildren();
    this.note("", `The call ended after ${clock(durationMs)}.`);
  }

  note(kind, ...words) {
    this.story.append(line("", `note ${kind}`, h("p", {}, words)));
  }

  showContext() {
    const rows = [...this.context].map(([path, value]) => [
      h("dt", {}, path),
      h("dd", {}, shown(value)),
    ]);
    at("context").replaceChildren(...rows.flat());
    at("no-context").hidden = rows.length > 0;
  }
}

const line = (who, kind, ...said) =>
  h("li", { class: kind }, h("span", { class: "who" }, who), h("div", { class: "said" }, said));

const turn = (who, kind, ...words) => line(who, `turn ${kind}`, h("p", {}, words));

/** What was written of it but cannot have been heard is told apart, and not by colour alone. */
function cutOff(text, heard) {
  if (!text.startsWith(heard)) return [heard, label("cut off")];
  const unheard = text.slice(heard.length).trim();
  if (!unheard) return [text, label("cut off")];
  return [heard, " ", label("not heard"), " ", h("del", {}, unheard)];
}

const label = (words) => h("small", { class: "label" }, words);

const tool = ({ tool, arguments: given }, outcome, more = []) =>
  line(
    "",
    "note tool",
    h(
      "details",
      {},
      h("summary", {}, h("code", {}, tool), " ", outcome),
      h("p", { class: "of" }, "Arguments"),
      h("pre", { tabindex: "0" }, pretty(given)),
      more,
    ),
  );

const pretty = (value) =>
  typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "null");
