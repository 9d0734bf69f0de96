"use client";

import { useId, useRef, useState, type DragEvent } from "react";
import { problemAt, type Problems } from "@/data/problem";
import { useAfterRender } from "@/data/use-after-render";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Icon } from "@/ui/icons";
import { Menu, MenuItem, MenuLabel } from "@/ui/menu";
import { BRANCHES, copyOf, newStep, type Step } from "./draft";
import { useToolForm } from "./form-context";
import { StepFields } from "./step-fields";
import { kindOf, STEP_KINDS, type StepKind } from "./step-kinds";
import { summaryOf } from "./summary";

const MAX_DEPTH = 5;
const TITLES = { then: "If it is true", otherwise: "Otherwise" } as const;

interface ListProps {
  /** What the list is, for screen readers. */
  label: string;
  empty: string;
  steps: readonly Step[];
  onChange(steps: readonly Step[]): void;
  depth?: number;
}

/** Steps in their order, which buttons, Alt with the arrow keys and dragging change. */
export function StepList({ label, empty, steps, onChange, depth = 0 }: ListProps) {
  const { isReadOnly } = useToolForm();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [said, setSaid] = useState("");
  const drag = useDrag(steps, (from, to) => move(from, to));
  const list = useRef<HTMLOListElement>(null);
  const afterRender = useAfterRender();

  const toggle = (id: string, isOpen: boolean) => {
    const next = new Set(open);
    if (isOpen) next.add(id);
    else next.delete(id);
    setOpen(next);
  };
  const focus = (id: string) => afterRender(() => list.current?.querySelector<HTMLElement>(`[data-step="${id}"]`)?.focus());
  const move = (from: number, to: number) => {
    const step = steps[from];
    if (!step || from === to || to < 0 || to >= steps.length) return;
    const others = steps.toSpliced(from, 1);
    onChange(others.toSpliced(to, 0, step));
    setSaid(`${kindOf(step.kind).label} is now step ${to + 1} of ${steps.length}.`);
    focus(step.id);
  };
  const insert = (at: number, step: Step) => {
    onChange(steps.toSpliced(at, 0, step));
    toggle(step.id, true);
    focus(step.id);
  };
  const remove = (at: number) => {
    const step = steps[at];
    if (!step) return;
    onChange(steps.toSpliced(at, 1));
    setSaid(`${kindOf(step.kind).label} was removed.`);
    const next = steps[at + 1] ?? steps[at - 1];
    if (next) focus(next.id);
    else afterRender(() => list.current?.parentElement?.querySelector<HTMLElement>("[data-add]")?.focus());
  };

  return (
    <div className="grid min-w-0 gap-2">
      <p role="status" className="sr-only">
        {said}
      </p>
      {steps.length === 0 && <p className="text-sm text-muted">{empty}</p>}
      <ol ref={list} aria-label={label} className="grid gap-2">
        {steps.map((step, index) => (
          <li key={step.id} {...drag.target(index)} className="relative min-w-0">
            {drag.over === index && (
              <span className={`absolute inset-x-0 h-0.5 bg-accent ${index > (drag.from ?? index) ? "-bottom-1.5" : "-top-1.5"}`} />
            )}
            <StepCard
              step={step}
              index={index}
              count={steps.length}
              depth={depth}
              isOpen={open.has(step.id)}
              handle={drag.handle(index)}
              onToggle={(isOpen) => toggle(step.id, isOpen)}
              onMove={(to) => move(index, to)}
              onCopy={() => insert(index + 1, copyOf(step))}
              onRemove={() => remove(index)}
              onChange={(changed) => onChange(steps.with(index, changed))}
            />
          </li>
        ))}
      </ol>
      {!isReadOnly && <AddStep label={label} depth={depth} onAdd={(kind) => insert(steps.length, newStep(kind))} />}
    </div>
  );
}

/** Dragging by the handle of a step, within its list. */
function useDrag(steps: readonly Step[], onDrop: (from: number, to: number) => void) {
  const [from, setFrom] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const end = () => {
    setFrom(null);
    setOver(null);
  };
  return {
    from,
    over: over === from ? null : over,
    handle: (index: number) => ({
      draggable: true,
      onDragStart: (event: DragEvent) => {
        event.stopPropagation();
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", steps[index]?.id ?? "");
        const card = event.currentTarget.closest("li");
        if (card) event.dataTransfer.setDragImage(card, 16, 20);
        setFrom(index);
      },
      onDragEnd: end,
    }),
    target: (index: number) => ({
      onDragOver: (event: DragEvent) => {
        if (from === null) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(index);
      },
      onDrop: (event: DragEvent) => {
        if (from === null) return;
        event.preventDefault();
        event.stopPropagation();
        onDrop(from, index);
        end();
      },
    }),
  };
}

/** After a choice in a menu a step has the focus, and not the trigger of the menu. */
function useChoice() {
  const isChosen = useRef(false);
  return {
    choose: (act: () => void) => () => {
      isChosen.current = true;
      act();
    },
    onCloseAutoFocus: (event: Event) => {
      if (isChosen.current) event.preventDefault();
      isChosen.current = false;
    },
  };
}

interface CardProps {
  step: Step;
  index: number;
  count: number;
  depth: number;
  isOpen: boolean;
  handle: ReturnType<ReturnType<typeof useDrag>["handle"]>;
  onToggle(isOpen: boolean): void;
  onMove(to: number): void;
  onCopy(): void;
  onRemove(): void;
  onChange(step: Step): void;
}

/** Whether the step, or one inside of it, has a problem. */
const hasProblem = (step: Step, problems: Problems): boolean =>
  problemAt(problems, step.id) !== undefined || [...step.then, ...step.otherwise].some((inner) => hasProblem(inner, problems));

function StepCard({ step, index, count, depth, isOpen, handle, onToggle, onMove, onCopy, onRemove, onChange }: CardProps) {
  const { problems, isReadOnly } = useToolForm();
  const id = useId();
  const { choose, onCloseAutoFocus } = useChoice();
  const { label, icon } = kindOf(step.kind);
  const summary = summaryOf(step);
  const isWrong = hasProblem(step, problems);
  const name = `step ${index + 1}, ${label}`;
  // A problem that was found while the step was closed is shown.
  const shown = isOpen || isWrong;
  const own = problems[step.id];
  return (
    <div className={`rounded-lg border bg-surface ${isWrong ? "border-bad" : ""}`}>
      <div className="flex min-h-11 items-center gap-1 pr-1 pl-1.5">
        {!isReadOnly && count > 1 && (
          <span {...handle} aria-hidden="true" title="Drag to move" className="cursor-grab py-2 text-muted pointer-coarse:hidden">
            <Icon name="grip" width={16} height={16} />
          </span>
        )}
        <button
          type="button"
          data-step={step.id}
          data-problem={isWrong || undefined}
          aria-expanded={shown}
          aria-controls={id}
          className="flex min-h-9 min-w-0 grow items-center gap-2.5 rounded px-1.5 text-left text-sm"
          onClick={() => onToggle(!shown)}
          onKeyDown={(event) => {
            const to = { ArrowUp: index - 1, ArrowDown: index + 1 }[event.key];
            if (!event.altKey || to === undefined || isReadOnly) return;
            event.preventDefault();
            onMove(to);
          }}
        >
          <Icon name={icon} width={16} height={16} className="text-muted" />
          <span className="font-medium whitespace-nowrap">
            <span className="sr-only">Step </span>
            {index + 1}. {label}
          </span>
          <span className="min-w-0 truncate font-mono text-xs text-muted">{summary}</span>
        </button>
        {isWrong && <Badge tone="bad">Check</Badge>}
        {!isReadOnly && (
          <>
            <span className="hidden sm:flex">
              <Button kind="ghost" icon="up" aria-label={`Move up ${name}`} disabled={index === 0} onClick={() => onMove(index - 1)} />
              <Button
                kind="ghost"
                icon="down"
                aria-label={`Move down ${name}`}
                disabled={index === count - 1}
                onClick={() => onMove(index + 1)}
              />
            </span>
            <Menu
              align="end"
              trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${name}`} />}
              onCloseAutoFocus={onCloseAutoFocus}
            >
              {index > 0 && (
                <MenuItem icon="up" onSelect={choose(() => onMove(index - 1))}>
                  Move up
                </MenuItem>
              )}
              {index < count - 1 && (
                <MenuItem icon="down" onSelect={choose(() => onMove(index + 1))}>
                  Move down
                </MenuItem>
              )}
              <MenuItem icon="copy" onSelect={choose(onCopy)}>
                Duplicate
              </MenuItem>
              <MenuItem icon="close" onSelect={choose(onRemove)}>
                Remove
              </MenuItem>
            </Menu>
          </>
        )}
      </div>
      <div id={id} hidden={!shown} className="border-t p-4">
        {shown && (
          <div className="grid gap-4">
            {own && (
              <p data-problem tabIndex={-1} className="text-xs text-bad">
                {own}
              </p>
            )}
            <StepFields step={step} onChange={onChange} />
            {step.kind === "conditional" &&
              BRANCHES.map((branch) => (
                <div key={branch} role="group" aria-label={TITLES[branch]} className="min-w-0 border-l-2 border-line-strong/50 pl-3">
                  <h3 className="mb-2 text-sm font-medium">{TITLES[branch]}</h3>
                  <StepList
                    label={`${TITLES[branch]}, step ${index + 1}`}
                    empty="Nothing is done."
                    depth={depth + 1}
                    steps={step[branch]}
                    onChange={(steps) => onChange({ ...step, [branch]: steps })}
                  />
                </div>
              ))}
          </div>
        )}
      </div>
    </div>
  );
}

const GROUPS = [...new Set(STEP_KINDS.map((kind) => kindOf(kind).group))];

function AddStep({ label, depth, onAdd }: { label: string; depth: number; onAdd(kind: StepKind): void }) {
  const { choose, onCloseAutoFocus } = useChoice();
  const kinds = STEP_KINDS.filter((kind) => depth < MAX_DEPTH || kind !== "conditional");
  return (
    <div>
      <Menu
        onCloseAutoFocus={onCloseAutoFocus}
        trigger={
          <Button icon="plus" data-add aria-label={`Add a step to ${label}`}>
            Add a step
          </Button>
        }
      >
        {GROUPS.map((group) => (
          <div key={group} role="group" aria-label={group}>
            <MenuLabel>{group}</MenuLabel>
            {kinds
              .filter((kind) => kindOf(kind).group === group)
              .map((kind) => (
                <MenuItem key={kind} icon={kindOf(kind).icon} onSelect={choose(() => onAdd(kind))}>
                  {kindOf(kind).label}
                </MenuItem>
              ))}
          </div>
        ))}
      </Menu>
    </div>
  );
}
