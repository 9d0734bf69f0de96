// What a page shows instead of its data: nothing yet, nothing at all, or what went wrong.

import type { ReactNode } from "react";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";

export function Skeleton({ className = "" }: { className?: string }) {
  return <div className={`skeleton ${className}`} aria-hidden="true" />;
}

/** Says once to screen readers that data is loading; the skeletons are hidden from them. */
export function Loading({ what, children }: { what: string; children: ReactNode }) {
  return (
    <div role="status" aria-busy="true">
      <span className="sr-only">Loading {what}</span>
      {children}
    </div>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-3 px-6 py-16 text-center">
      <span className="grid size-12 place-items-center rounded-full bg-accent-soft text-accent">
        <Icon name={icon} width={22} height={22} />
      </span>
      <h2 className="text-base font-semibold">{title}</h2>
      {children && <div className="max-w-md text-sm text-muted">{children}</div>}
    </div>
  );
}

export interface Problem {
  readonly title: string;
  readonly text: string;
}

export function Failed({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div role="alert" className="flex flex-col items-center gap-3 px-6 py-16 text-center">
      <span className="grid size-12 place-items-center rounded-full bg-bad-soft text-bad">
        <Icon name="warning" width={22} height={22} />
      </span>
      <h2 className="text-base font-semibold">{problem.title}</h2>
      <p className="max-w-md text-sm text-muted">{problem.text}</p>
      {onRetry && (
        <Button icon="refresh" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** What went wrong with a part of a page. */
export const ProblemText = ({ problem: { title, text } }: { problem: Problem }) => (
  <p className="text-sm text-muted">
    {title}. {text}
  </p>
);

const TONES = {
  bad: ["bg-bad-soft text-bad", "warning"],
  warn: ["bg-warn-soft text-warn", "warning"],
  info: ["bg-info-soft text-info", "info"],
} as const;

/** The button that was pressed can be far below the message that it failed. */
const intoView = (message: HTMLElement | null) => message?.scrollIntoView({ block: "nearest" });

/** A message in the flow of a page. */
export function Notice({ tone, children }: { tone: keyof typeof TONES; children: ReactNode }) {
  const [colours, icon] = TONES[tone];
  return (
    <div
      ref={tone === "bad" ? intoView : undefined}
      role={tone === "bad" ? "alert" : "status"}
      className={`flex scroll-my-20 gap-2.5 rounded-md px-3.5 py-2.5 text-sm ${colours}`}
    >
      <Icon name={icon} className="mt-px" />
      <div className="min-w-0">{children}</div>
    </div>
  );
}

/** What the reader can do about a notice, within its sentence. */
export const NoticeButton = ({ children, onClick }: { children: ReactNode; onClick(): void }) => (
  <button type="button" className="min-h-6 underline" onClick={onClick}>
    {children}
  </button>
);
