// The transcript: one line for each event, and below them the words that are being spoken.

import { milliseconds } from "../shared/durations.js";
import { at, h } from "./dom.js";
import { waterfall } from "./waterfall.js";
import {
  answeredByText, dialFailedText, errorText, formatDuration, formatValue, KINDS, OUTCOMES, seconds, VIA,
} from "./words.js";

const NEAR = 160; // px from the end; a user who is further up is reading

export class Transcript {
  constructor() {
    this.story = at("story");
    this.now = at("now");
    this.partials = new Map(); // by speaker
    this.over = new Set(); // turns that are complete: partial words that arrive later are outdated
    this.tools = new Map();
    this.context = new Map();
    this.agent = "Agent";
    this.story.replaceChildren();
    this.now.replaceChildren();
    this.showContext();
  }

  /** Show an event. Returns the text to announce to screen readers, if any. */
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
    if (skipped.length) this.note("way", `Skipped: ${skipped.join(", ")}`);
  }

  HandedOff({ fromNode, toNode, via }) {
    const why = h("span", { class: "why" }, VIA[via] ?? "");
    this.note("way", h("b", {}, fromNode), " → ", h("b", {}, toNode), " ", why);
    return `Handed off from ${fromNode} to ${toNode}.`;
  }

  HandoffRefused({ fromNode, toNode, message }) {
    this.note("bad", `Hand-off from ${fromNode} to ${toNode} refused: ${message}`);
  }

  ToolStarted(event) {
    const line = tool(event, h("span", { class: "running" }, "running"));
    this.tools.set(event.toolCallId, line);
    this.story.append(line);
  }

  ToolFinished(event) {
    const [outcome, ...more] = OUTCOMES[event.outcome].split(":");
    const took = `${outcome}, ${Math.round(milliseconds(event.duration))} ms`;
    const line = tool(event, h("span", { class: event.outcome.toLowerCase() }, took), [
      ...(more.length ? [h("p", {}, more.join(":").trim())] : []),
      h("p", { class: "of" }, "Result"),
      h("pre", { tabindex: "0" }, pretty(event.result)),
    ]);
    const started = this.tools.get(event.toolCallId);
    if (started) started.replaceWith(line);
    else this.story.append(line);
    return `Tool ${event.tool} ${outcome}.`;
  }

  ContextChanged({ path, value, removed }) {
    if (removed) this.context.delete(path);
    else this.context.set(path, value);
    this.showContext();
    const now = removed ? "removed" : formatValue(value);
    this.note("data", h("code", {}, path), removed ? " " : " = ", h("code", {}, now));
  }

  TurnMeasured(event) {
    this.last?.querySelector(".said").append(waterfall(event));
  }

  ProviderFailedOver({ providerKind, provider, model, available }) {
    const which = `${KINDS[providerKind]} ${[provider, model].filter(Boolean).join(" ")}`;
    this.note(
      available ? "" : "bad",
      available ? `${which} is available again.` : `${which} failed; the next provider takes over.`,
    );
  }

  CommandRefused({ command, message }) {
    this.note("bad", `${command} was refused: ${message}`);
  }

  RecordingStarted() {
    this.note("", "The call is recorded from here on.");
  }

  DialStarted({ trunk, toNumber }) {
    this.note("", `Dialling ${toNumber} over the trunk ${trunk}.`);
  }

  DialFailed(event) {
    this.note("bad", dialFailedText(event));
  }

  CallAnswered({ after }) {
    const when = after === null ? "" : ` after ${seconds(milliseconds(after))}`;
    this.note("", `The phone was answered${when}.`);
  }

  AnsweredBy(event) {
    this.note("", answeredByText(event));
  }

  MessageLeft({ toneHeard }) {
    this.note("", `The message was left ${toneHeard ? "after the tone" : "without a tone"}.`);
  }

  ScreenerAnswered({ round }) {
    this.note("", round > 1 ? `The agent introduced itself again (${round} times).` : "The agent introduced itself.");
  }

  DtmfSent({ digits }) {
    this.note("", "The agent pressed ", h("code", {}, digits), ".");
  }

  DtmfReceived({ digits }) {
    this.note("", "The caller pressed ", h("code", {}, digits), ".");
  }

  DtmfRequested({ name, masked }) {
    this.note("", `The caller is asked to press the ${masked ? "masked " : ""}digits `, h("code", {}, name), ".");
  }

  DtmfCollected({ name, masked, pressed, count, complete }) {
    const keys = masked ? `${count} keys` : pressed || "no key";
    const failed = complete ? "" : " That is not what was asked for.";
    this.note(complete ? "data" : "bad", h("code", {}, name), `: the caller pressed ${keys}.${failed}`);
  }

  TransferStarted({ mode, number }) {
    this.note("way", `The caller is transferred to ${number} (${mode.toLowerCase()}).`);
  }

  TransferAdvanced({ phase, brief }) {
    this.note("", `Transfer: ${phase.toLowerCase()}.`, ...(brief ? [" ", h("q", {}, brief)] : []));
  }

  TransferFailed({ failure, sipStatus }) {
    const why = failure.toLowerCase().replaceAll("_", " ");
    this.note("bad", `The transfer failed: ${why}${sipStatus ? ` (SIP ${sipStatus})` : ""}.`);
  }

  TransferIsolationLost() {
    this.note("bad", "The caller and the colleague may have heard each other.");
  }

  CallerQueued({ stage, position }) {
    const how = stage === "HOLD" ? "is on hold" : "hears the phone ring";
    this.note("", `All workers are busy. The caller ${how}, at position ${position}.`);
  }

  CallerDequeued({ waited }) {
    this.note("", `An agent is free after ${seconds(milliseconds(waited))}.`);
  }

  NewDestination({ region }) {
    this.note("", `This is the first call to ${region}.`);
  }

  CallerPresent({ present }) {
    this.note("", present ? "You are in the room." : "You left the room, or the connection was lost; the agent waits.");
  }

  CallerSilent({ duration }) {
    this.note("", `The caller was silent for ${milliseconds(duration) / 1000} s.`);
  }

  WorkerReplaced() {
    this.note("bad", "The worker was lost; another one continues from here.");
  }

  WorkerLeft() {
    this.note("", "The worker is stopping; another one continues from here.");
  }

  ErrorRaised(event) {
    const words = errorText(event);
    const repeated = this.story.lastElementChild?.dataset;
    if (repeated?.error !== words) {
      this.note("bad", words);
      this.story.lastElementChild.dataset.error = words;
      return words;
    }
    // A model that is tried again fails with the same words.
    repeated.times = Number(repeated.times ?? 1) + 1;
    this.story.lastElementChild.querySelector("p").textContent = `${words} (${repeated.times} times)`;
  }

  CallEnded({ duration }) {
    this.now.replaceChildren();
    this.note("", `The call ended after ${formatDuration(milliseconds(duration))}.`);
  }

  note(kind, ...words) {
    this.story.append(line("", `note ${kind}`, h("p", {}, words)));
  }

  showContext() {
    const rows = [...this.context].map(([path, value]) => [
      h("dt", {}, path),
      h("dd", {}, formatValue(value)),
    ]);
    at("context").replaceChildren(...rows.flat());
    at("no-context").hidden = rows.length > 0;
  }
}

const line = (who, kind, ...said) =>
  h("li", { class: kind }, h("span", { class: "who" }, who), h("div", { class: "said" }, said));

const turn = (who, kind, ...words) => line(who, `turn ${kind}`, h("p", {}, words));

/** Mark the text that the caller cannot have heard, and not by colour alone. */
function cutOff(text, heard) {
  if (!text.startsWith(heard)) return [heard, " ", label("interrupted")];
  const unheard = text.slice(heard.length).trim();
  if (!unheard) return [text, " ", label("interrupted")];
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
