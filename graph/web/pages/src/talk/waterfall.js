// The latency of a turn, from the end of the caller's speech on.

import { milliseconds } from "../shared/durations.js";
import { h } from "./dom.js";
import { seconds } from "./words.js";

/** The steps in order, each with its start and end in ms since the caller stopped speaking. */
export function steps(turn) {
  if (turn.firstAudio === null) return [];
  const took = (stage) => milliseconds(turn[stage]);
  const end = took("firstAudio");
  const received = took("atEar") ?? end;
  const result = [];
  let now = 0;
  const add = (name, what, ms, limit = end) => {
    const until = Math.min(limit, now + (ms ?? 0));
    if (until > now) result.push({ name, what, from: now, until });
    now = Math.max(now, until);
  };
  add("heard", "Speech recognition", Math.min(took("stt") ?? 0, took("endOfTurn") ?? Infinity));
  add("turn", "End of turn detected", (took("endOfTurn") ?? now) - now);
  const rest =
    end - now - (took("llmFirstToken") ?? 0) - (took("ttsFirstByte") ?? 0) - (took("playback") ?? 0);
  add("other", "Tools and hand-offs", rest > 20 ? rest : 0);
  add("model", "Model’s first token", took("llmFirstToken"));
  add("voice", "Voice’s first byte", took("ttsFirstByte"));
  add("playback", "Playback", end - now);
  const way = took("line") ? "Telephone line, network and jitter" : "Network and jitter";
  add("network", `${way}, estimated`, received - end, received);
  return result;
}

export function waterfall(turn) {
  const parts = steps(turn);
  const total = seconds(milliseconds(turn.total));
  if (!parts.length) return h("p", { class: "latency" }, `Answered in ${total}`);
  const whole = parts.at(-1).until;
  const bars = parts.map((step) => bar(step, whole));
  const rows = parts.map((step) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, step.what),
      h("td", { class: "lane" }, bar(step, whole)),
      h("td", {}, `${Math.round(step.until - step.from)} ms`),
    ),
  );
  return h(
    "details",
    { class: "latency" },
    h(
      "summary",
      {},
      h("span", { class: "lane", "aria-hidden": "true" }, bars),
      h("span", {}, h("b", {}, seconds(milliseconds(turn.firstAudio))), " to first audio"),
      turn.atEar !== null &&
        h("span", {}, h("b", {}, seconds(milliseconds(turn.atEar))), " with network"),
    ),
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "Latency of this answer"),
      h("tbody", {}, rows),
    ),
    h("p", {}, `The answer was complete after ${total}.`),
  );
}

function bar(step, whole) {
  const element = h("i", { class: `step of-${step.name}` });
  // Set through the DOM: the content security policy of the page forbids style attributes.
  element.style.left = `${(100 * step.from) / whole}%`;
  element.style.width = `${(100 * (step.until - step.from)) / whole}%`;
  return element;
}

export function median(numbers) {
  if (!numbers.length) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
