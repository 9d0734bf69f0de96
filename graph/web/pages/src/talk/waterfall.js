// Where the time of a turn went, from the end of the caller's words on.

import { h } from "./dom.js";
import { seconds } from "./words.js";

/** The steps in order, each with when it began and ended, in ms since the caller fell silent. */
export function steps(turn) {
  if (turn.firstAudioMs === null) return [];
  const [end, ear] = [turn.firstAudioMs, turn.atEarMs ?? turn.firstAudioMs];
  const made = [];
  let now = 0;
  const add = (name, what, ms, most = end) => {
    const until = Math.min(most, now + (ms ?? 0));
    if (until > now) made.push({ name, what, from: now, until });
    now = Math.max(now, until);
  };
  add("heard", "Words understood", Math.min(turn.sttMs ?? 0, turn.endOfTurnMs ?? Infinity));
  add("turn", "Turn taken for over", (turn.endOfTurnMs ?? now) - now);
  const rest =
    end - now - (turn.llmFirstTokenMs ?? 0) - (turn.ttsFirstByteMs ?? 0) - (turn.playbackMs ?? 0);
  add("other", "Tools and hand-offs", rest > 20 ? rest : 0);
  add("model", "Model’s first token", turn.llmFirstTokenMs);
  add("voice", "Voice’s first byte", turn.ttsFirstByteMs);
  add("playback", "Playback", end - now);
  add("ear", "Network and jitter, estimated", ear - end, ear);
  return made;
}

export function waterfall(turn) {
  const made = steps(turn);
  if (!made.length) return h("p", { class: "latency" }, `Answered in ${seconds(turn.totalMs)}`);
  const whole = made.at(-1).until;
  const bars = made.map((step) => bar(step, whole));
  const rows = made.map((step) =>
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
      h("span", {}, h("b", {}, seconds(turn.firstAudioMs)), " to first sound"),
      turn.atEarMs !== null && h("span", {}, h("b", {}, seconds(turn.atEarMs)), " at your ear"),
    ),
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "Where the time of this answer went"),
      h("tbody", {}, rows),
    ),
    h("p", {}, `The answer was complete after ${seconds(turn.totalMs)}.`),
  );
}

function bar(step, whole) {
  const made = h("i", { class: `step of-${step.name}` });
  // Through the object model: a style attribute would be against the page's policy.
  made.style.left = `${(100 * step.from) / whole}%`;
  made.style.width = `${(100 * (step.until - step.from)) / whole}%`;
  return made;
}

export function median(numbers) {
  if (!numbers.length) return null;
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
