"use client";

import type { CallEventOf } from "agent-studio-client";
import { useCallback, useMemo } from "react";
import { milliseconds, seconds } from "@/data/format";
import { Notice } from "@/ui/states";
import { stepsOf, type Step } from "./latency";
import { LongList, useOpened } from "./long-list";
import type { Entry } from "./story";

// Whole names, because Tailwind reads them from this file.
const COLOURS = ["", "bg-(--step-1)", "bg-(--step-2)", "bg-(--step-3)", "bg-(--step-4)", "bg-(--step-5)", "bg-(--step-6)", "bg-(--step-7)"];

/** Steps on one line; `scale` is the time at its right end. */
export function Bar({ steps, scale }: { steps: readonly Step[]; scale: number }) {
  return (
    <span aria-hidden="true" className="relative block h-2.5 overflow-hidden rounded-full bg-sunken">
      {steps.map((step) => (
        <span
          key={step.name}
          className={`absolute inset-y-0 ${COLOURS[step.colour]}`}
          style={{ left: `${(100 * step.from) / scale}%`, width: `${(100 * (step.until - step.from)) / scale}%` }}
        />
      ))}
    </span>
  );
}

interface Measured {
  readonly text: string;
  readonly measured: CallEventOf<"TurnMeasured">;
  readonly steps: readonly Step[];
}

const ROW_PX = 58;

/** The replies of the call, one bar each on the same scale, and the steps as a table for everybody. */
export function Latency({ story, isLive }: { story: readonly Entry[]; isLive: boolean }) {
  const replies = useMemo(() => story.flatMap(measuredOf), [story]);
  const [opened, toggle] = useOpened();
  const keyOf = useCallback((index: number) => `${replies[index]?.measured.seq}`, [replies]);
  const names = useMemo(() => [...new Map(replies.flatMap(({ steps }) => steps).map((step) => [step.name, step])).values()], [replies]);
  if (!replies.length) return <p className="p-5 text-sm text-muted">No reply has been measured yet.</p>;
  const longest = (reply: Measured) => Math.max(reply.steps.at(-1)?.until ?? 0, milliseconds(reply.measured.total));
  const scale = replies.reduce((most, reply) => Math.max(most, longest(reply)), 1);
  return (
    <div className="grid gap-4 p-4 md:p-5">
      {names.length > 0 ? (
        <ul className="flex flex-wrap gap-x-4 gap-y-1.5 text-xs text-muted" aria-label="Steps">
          {names.map((step) => (
            <li key={step.name} className="flex items-center gap-1.5">
              <span className={`size-2.5 rounded-full ${COLOURS[step.colour]}`} aria-hidden="true" />
              {step.name}
            </li>
          ))}
        </ul>
      ) : (
        <Notice tone="info">The steps of a reply are measured in voice calls. A text call has the whole time only.</Notice>
      )}
      <LongList
        label="Replies"
        className="max-h-[max(24rem,calc(100dvh-24rem))] px-1"
        count={replies.length}
        keyOf={keyOf}
        rowPx={ROW_PX}
        isLive={isLive}
      >
        {(index) => {
          const reply = replies[index];
          const key = keyOf(index);
          return reply && <Reply {...reply} scale={scale} isOpen={opened.has(key)} onToggle={(isOpen) => toggle(key, isOpen)} />;
        }}
      </LongList>
    </div>
  );
}

function measuredOf(entry: Entry): Measured[] {
  if (entry.kind !== "TURN" || !entry.turn.measured) return [];
  const { text, measured } = entry.turn;
  return [{ text, measured, steps: stepsOf(measured) }];
}

interface ReplyProps extends Measured {
  scale: number;
  isOpen: boolean;
  onToggle(isOpen: boolean): void;
}

function Reply({ text, measured, steps, scale, isOpen, onToggle }: ReplyProps) {
  const total = milliseconds(measured.total);
  const shown = measured.firstAudio ? `${seconds(milliseconds(measured.firstAudio))} to first audio` : `${seconds(total)} in all`;
  const whole: Step[] = steps.length ? [...steps] : [{ name: "Reply", colour: 4, from: 0, until: total }];
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => onToggle(currentTarget.open)} className="group">
      <summary className="grid list-none gap-1.5 rounded-md py-1 [&::-webkit-details-marker]:hidden">
        <span className="flex items-baseline justify-between gap-4 text-sm">
          <span className="min-w-0 truncate">{text}</span>
          <span className="shrink-0 text-muted tabular-nums">{shown}</span>
        </span>
        <Bar steps={whole} scale={scale} />
      </summary>
      <table className="mt-2 mb-1 text-xs">
        <caption className="sr-only">Steps of this reply</caption>
        <tbody>
          {steps.map((step) => (
            <tr key={step.name}>
              <th scope="row" className="py-0.5 pr-6 text-left font-normal text-muted">
                {step.name}
              </th>
              <td className="text-right tabular-nums">{Math.round(step.until - step.from)} ms</td>
            </tr>
          ))}
          <tr>
            <th scope="row" className="py-0.5 pr-6 text-left font-normal text-muted">
              Until the end of the reply
            </th>
            <td className="text-right tabular-nums">{seconds(total)}</td>
          </tr>
          <tr>
            <th scope="row" className="py-0.5 pr-6 text-left font-normal text-muted">
              Tokens read and written
            </th>
            <td className="text-right tabular-nums">
              {measured.inputTokens} / {measured.outputTokens}
            </td>
          </tr>
        </tbody>
      </table>
    </details>
  );
}
