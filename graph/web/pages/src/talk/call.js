// One call: its events from the first to the last, and the connection to its room.

import { milliseconds } from "../shared/durations.js";
import { endCall, follow, joinCall, recordingOf, startCall } from "./ask.js";
import { at, h } from "./dom.js";
import { microphone, RoomSession } from "./room.js";
import { Transcript } from "./transcript.js";
import { median } from "./waterfall.js";
import {
  blameText, disconnectText, endReasonText, formatDuration, NOT_PLAYABLE, RECORDING_LATER, RECORDINGS,
  seconds, STATES,
} from "./words.js";

const LULL_MS = 1_000; // after this time without events the history is complete, and announcements start
const END_MS = 2_000; // between the end of the room and the event with the reason
const RECORDING_MS = 3_000;
const MAX_RECORDING_ATTEMPTS = 40;
const BEING_MADE = ["RECORDING", "PROCESSING"];
const MAX_ANNOUNCEMENTS = 6;

export class Call {
  /** A microphone first, then the call, then the room. */
  static async start(workflow, { step, open, enter }) {
    step("Asking for the microphone…");
    const track = await microphone();
    let started;
    try {
      step("Calling…");
      started = await startCall(workflow.slug, crypto.randomUUID());
    } catch (error) {
      track.stop();
      throw error;
    }
    open(started.call.id);
    await enter(started.join, track);
  }

  constructor(id, workflow, page) {
    this.id = id;
    this.workflow = workflow;
    this.page = page;
    this.measured = [];
    this.ahead = null; // how far the clock is ahead of the server; measured with live events
    this.state = "PENDING";
    this.listeners = new AbortController();
  }

  /** Show the whole call. `found` is a call that existed before, and may have ended by now. */
  watch(found) {
    const name = this.workflow?.name ?? "Deleted workflow";
    at("call-title").textContent = name;
    at("call-id").textContent = at("call-id").title = this.id;
    document.title = `${name} · Agent Studio`;
    at("agent").textContent = "";
    at("timer").textContent = "";
    at("summary").hidden = at("recording").hidden = true;
    at("announcements").replaceChildren();
    at("known").open = matchMedia("(min-width: 64rem)").matches;
    this.transcript = new Transcript();
    const inProgress = found && !found.endedAt && found.kind === "VOIP";
    this.connection = found ? "" : "Connecting";
    this.away(
      inProgress ? "This call is still in progress. You are not heard until you continue it." : "",
    );
    this.isLive = !found;
    if (found) this.awaitLull();
    this.draw();
    this.press("mute", () => this.mute());
    this.press("hang-up", () => this.hangUp());
    this.press("give-up", () => this.hangUp());
    this.press("go-on", () => this.goOn());
    this.press("sound-on", () => this.session?.sound());
    this.press("again", () => this.leave("again"));
    this.press("other", () => this.leave("other"));
    this.ticking = setInterval(() => this.draw(), 500);
    this.stop = follow(this.id, {
      next: (event) => this.next(event),
      done: () => {},
      lost: () => this.connectionIs("No connection to the API, reconnecting"),
      back: () => this.connectionIs(""),
      failed: (message) => this.page.complain(new Error(message)),
    });
  }

  press(id, act) {
    at(id).addEventListener("click", act, { signal: this.listeners.signal });
  }

  connectionIs(words) {
    this.connection = words;
    this.draw();
  }

  // ---- events -------------------------------------------------------------------------

  next(event) {
    const when = event.at && Date.parse(event.at);
    if (when) this.compareClocks(Date.now() - when);
    const words = this.transcript.add(event);
    if (words && this.isLive) this.announce(words);
    if (event.__typename === "StateChanged") this.enters(event.state, when);
    if (event.__typename === "TurnMeasured") this.measured.push(event);
    if (event.__typename === "CallEnded") this.ended(event);
    else if (event.__typename !== "PartialTranscript") this.draw();
  }

  compareClocks(lag) {
    if (this.isLive) this.ahead = this.ahead === null ? lag : Math.min(this.ahead, lag);
    else this.awaitLull();
  }

  awaitLull() {
    clearTimeout(this.lull);
    this.lull = setTimeout(() => (this.isLive = true), LULL_MS);
  }

  enters(state, when) {
    this.state = state;
    if (state === "ACTIVE") this.began ??= when;
  }

  announce(words) {
    const announcements = at("announcements");
    announcements.append(h("p", {}, words));
    while (announcements.childElementCount > MAX_ANNOUNCEMENTS) announcements.firstChild.remove();
  }

  draw() {
    at("talking").hidden = !this.session;
    at("dock").hidden = !this.session && at("away").hidden;
    at("state").textContent = (!this.over && this.connection) || STATES[this.state];
    at("state").dataset.state = this.over ? "over" : this.connection ? "waiting" : this.state;
    if (this.over) at("timer").textContent = formatDuration(milliseconds(this.over.duration));
    else if (this.began) at("timer").textContent = formatDuration(Date.now() - (this.ahead ?? 0) - this.began);
  }

  // ---- the room -------------------------------------------------------------------------

  async enter(join, track) {
    this.away("");
    this.connectionIs("Connecting");
    const session = new RoomSession(track, {
      reconnecting: () => this.connectionIs("Reconnecting"),
      reconnected: () => this.connectionIs(""),
      out: (reason) => setTimeout(() => this.lost(session, disconnectText(reason)), END_MS),
      silent: () => (at("sound-on").hidden = false),
      sounding: () => (at("sound-on").hidden = true),
      dead: () => this.lost(session, "The microphone was disconnected. Plug it in again, then continue the call."),
    });
    this.session = session;
    this.muted = false;
    at("mute").textContent = "Mute";
    try {
      await session.enter(join);
      if (this.session !== session) return void session.close(); // ended or left meanwhile
      this.connectionIs("");
      at("mute").focus({ preventScroll: true });
    } catch (error) {
      if (this.session !== session) return;
      this.session = null;
      this.away(error.message);
    }
  }

  lost(session, why) {
    if (session !== this.session) return;
    this.session = null;
    session.close();
    this.away(why);
    this.announce(why);
  }

  leaveRoom() {
    this.session?.close();
    this.session = null;
  }

  away(why) {
    at("away-why").textContent = why;
    at("away").hidden = !why;
    if (why) this.connection = "Not in the room";
    this.draw();
  }

  async goOn() {
    this.page.complain(null);
    at("go-on").disabled = true;
    try {
      const track = await microphone();
      const join = await joinCall(this.id).catch((error) => {
        track.stop();
        throw error;
      });
      await this.enter(join, track);
    } catch (error) {
      this.page.complain(error);
    } finally {
      at("go-on").disabled = false;
    }
  }

  async mute() {
    this.muted = !this.muted;
    await this.session.mute(this.muted);
    at("mute").textContent = this.muted ? "Unmute" : "Mute";
    this.announce(this.muted ? "The microphone is muted." : "The microphone is on.");
  }

  async hangUp() {
    this.byUs = true;
    at("hang-up").disabled = at("give-up").disabled = true;
    try {
      await endCall(this.id);
    } catch (error) {
      const then = "You left the room, and the call ends automatically in a short while.";
      if (!this.over) this.page.complain(new Error(`${error.message} ${then}`));
    } finally {
      at("hang-up").disabled = at("give-up").disabled = false;
      this.leaveRoom();
    }
  }

  // ---- the end --------------------------------------------------------------------------

  ended(event) {
    this.over = event;
    this.state = event.state;
    this.leaveRoom();
    clearInterval(this.ticking);
    this.away("");
    this.draw();
    const words = endReasonText(event, this.byUs);
    at("summary-title").textContent = words;
    at("figures").replaceChildren(...this.figures().flat());
    at("summary").hidden = false;
    document.documentElement.scrollTop = 0;
    at("summary-title").focus({ preventScroll: true });
    this.announce(`The call is over. ${words}`);
    this.showRecording();
  }

  figures() {
    const heard = this.measured.filter(({ firstAudio }) => firstAudio !== null);
    const middle = (field) => median(heard.map((turn) => milliseconds(turn[field])).filter((ms) => ms !== null));
    const facts = [
      ["Duration", formatDuration(milliseconds(this.over.duration))],
      ["Answers", String(this.measured.length)],
      ["Median to first audio", seconds(middle("firstAudio"))],
      ["Median with network", seconds(middle("atEar"))],
      ["Reason", breakable(this.over.reason)],
      ["Caused by", blameText(this.over.blame)],
    ];
    return facts.map(([what, value]) => h("div", {}, h("dt", {}, what), h("dd", {}, value)));
  }

  /** A recording is ready some time after the end. Its link expires after minutes and is renewed. */
  async showRecording() {
    for (let tries = 0; tries < MAX_RECORDING_ATTEMPTS; tries++) {
      const recording = await recordingOf(this.id).catch(() => undefined);
      if (recording === null || this.isLeft) return;
      if (recording) this.show(recording);
      if (recording && !BEING_MADE.includes(recording.state)) return;
      await new Promise((resolve) => setTimeout(resolve, RECORDING_MS));
    }
    at("recording").replaceChildren(h("p", { class: "fine" }, RECORDING_LATER));
  }

  show(recording) {
    const said = [RECORDINGS[recording.state] ?? recording.state, recording.error ?? ""];
    at("recording").hidden = false;
    at("recording").replaceChildren(...(recording.url
      ? player(recording, () => recordingOf(this.id))
      : [h("p", { class: "fine" }, said.join(" ").trim())]));
  }

  /** Stop showing this call. */
  leave(next) {
    this.isLeft = true;
    this.listeners.abort();
    clearInterval(this.ticking);
    clearTimeout(this.lull);
    this.stop();
    this.leaveRoom();
    at("dock").hidden = true;
    if (next) this.page.over(next);
  }
}

/** A constant that may be broken after an underscore, and nowhere else. */
const breakable = (constant) =>
  constant.split(/(?<=_)/).flatMap((part, index) => (index ? [h("wbr"), part] : [part]));

function player({ url, duration }, renew) {
  let fresh = true;
  const renewed = async () => {
    const { currentTime, paused } = sound;
    const newer = fresh ? null : await renew().catch(() => null);
    if (!newer?.url) return fine.prepend(`${NOT_PLAYABLE} `);
    fresh = true;
    sound.src = link.href = newer.url;
    sound.currentTime = currentTime;
    if (!paused) sound.play();
  };
  const sound = h("audio", {
    controls: true,
    preload: "none",
    src: url,
    "aria-labelledby": "recording-title",
    error: renewed,
    // Audio that has loaded once is playable: a later failure means that the link has expired.
    loadedmetadata: () => (fresh = false),
  });
  const link = h("a", { href: url, target: "_blank", rel: "noopener" }, "Open the audio in a new tab");
  const title = `Recording, ${formatDuration(milliseconds(duration) ?? 0)}`;
  const fine = h("p", { class: "fine" }, link);
  return [h("h3", { id: "recording-title" }, title), sound, fine];
}
