"use client";

import { useStudio } from "agent-studio-client/react";
import { useRef, useState, type ReactNode } from "react";
import { isObject } from "@/data/json";
import { TestToolDocument, type Ending, type TestToolMutation } from "@/gql/tool";
import { Json } from "@/call/conversation";
import { milliseconds, seconds } from "@/data/format";
import { messageOf } from "@/data/problem";
import { UNFINISHED, unfinishedIn } from "@/data/use-form";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { Field, TextArea } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { More } from "@/ui/more";
import { Notice } from "@/ui/states";
import { Arguments } from "./arguments";
import type { Draft, Step } from "./draft";
import { JsonEditor } from "./editors";
import { parsedObject } from "./json";
import { kindOf, kindOfType } from "./step-kinds";
import { summaryOf } from "./summary";
import {
  asksForDigits,
  NEW_TEST,
  NO_STUB,
  requestsOf,
  testInput,
  testProblems,
  usesTelephone,
  type Stub,
  type TestProblems,
  type TestValues,
} from "./test-run";

type Run = Extract<TestToolMutation["testTool"], { __typename: "TestToolSuccess" }>;

const ENDINGS: Record<Ending, { label: string; tone: Tone; text: string }> = {
  SUCCEEDED: { label: "Succeeded", tone: "ok", text: "Every step succeeded." },
  FAILED: { label: "Failed", tone: "bad", text: "A step failed. The effects of the ones before it remain." },
  REFUSED: { label: "Refused", tone: "warn", text: "The arguments do not match the parameters, so nothing was done." },
  UNKNOWN: { label: "Unknown", tone: "warn", text: "It is unknown what was done: the tool timed out, or a server did not respond." },
};

interface Props {
  /** Null while the tool is not created. */
  id: string | null;
  draft: Draft;
  isChanged: boolean;
  /** Saves the form; whether it was saved. */
  onSave(): Promise<boolean>;
}

/** Runs the tool outside of any call. The API runs what is saved, so changes are saved first. */
export function TestPanel({ id, draft, isChanged, onSave }: Props) {
  const studio = useStudio();
  const panel = useRef<HTMLElement>(null);
  const [test, setTest] = useState<TestValues>(NEW_TEST);
  const [problems, setProblems] = useState<TestProblems>({});
  const [problem, setProblem] = useState("");
  const [run, setRun] = useState<Run | null>(null);
  const [isBusy, setBusy] = useState(false);
  const set = (changes: Partial<TestValues>) => setTest((before) => ({ ...before, ...changes }));

  const start = async () => {
    const unfinished = unfinishedIn(panel.current);
    if (unfinished) {
      setProblem(UNFINISHED);
      return unfinished.focus();
    }
    const notJson = panel.current?.querySelector<HTMLTextAreaElement>("textarea:invalid");
    if (notJson) {
      setProblem("A value is not JSON. Correct it, or clear the field.");
      return notJson.focus();
    }
    const found = testProblems(draft, test);
    setProblems(found);
    setProblem(Object.keys(found).length ? "Some values of the test are not valid. See the marked fields." : "");
    if (!id || Object.keys(found).length) return;
    setBusy(true);
    const isSaved = !isChanged || (await onSave());
    if (!isSaved) {
      setBusy(false);
      return setProblem("The tool was not saved, so it was not run. See what its form says.");
    }
    const result = await studio.mutate(TestToolDocument, { input: testInput(id, draft, test) });
    setBusy(false);
    if (result.ok) return setRun(result.value);
    setRun(null);
    const { error } = result;
    if ("problems" in error) setProblems(Object.fromEntries(error.problems.map(({ path, message }) => [path[1] ?? "", message])));
    setProblem(messageOf(error));
  };

  return (
    <section
      ref={panel}
      id="test"
      aria-label="Test"
      className="grid min-w-0 scroll-mt-16 gap-5 rounded-xl border bg-surface p-5 shadow-soft xl:sticky xl:top-6 xl:max-h-[calc(100dvh-3rem)] xl:overflow-y-auto"
    >
      <h2 className="text-base font-semibold">Test</h2>
      <Arguments
        schema={parsedObject(draft.parameters).object}
        text={test.args}
        problem={problems.arguments}
        onChange={(args) => set({ args })}
      />
      <Surroundings draft={draft} test={test} problems={problems} onChange={set} />
      {problem && <Notice tone="bad">{problem}</Notice>}
      <div className="flex flex-wrap items-center gap-3">
        <Button kind="primary" icon="right" busy={isBusy} disabled={!id} onClick={() => void start()}>
          {isChanged && id ? "Save and run" : "Run"}
        </Button>
        {!id && <p className="text-xs text-muted">Create the tool to test it.</p>}
      </div>
      <p role="status" className="sr-only">
        {run && `${ENDINGS[run.ending].label}: ${ENDINGS[run.ending].text}`}
      </p>
      {run && <Result run={run} draft={draft} />}
    </section>
  );
}

interface SurroundingsProps {
  draft: Draft;
  test: TestValues;
  problems: TestProblems;
  onChange(changes: Partial<TestValues>): void;
}

/** The context, and what servers and the caller would answer. */
function Surroundings({ draft, test, problems, onChange }: SurroundingsProps) {
  const requests = requestsOf(draft);
  return (
    <>
      <More title="Context" isNeeded={Boolean(problems.context)}>
        <JsonEditor
          label="Context values"
          hint="With user, call, workflow, flags and agent. The values of the settings are those of the tenant."
          minLines={5}
          value={test.context}
          problem={problems.context}
          onChange={(context) => onChange({ context })}
        />
      </More>
      {requests.length > 0 && (
        <div className="grid gap-3">
          <h3 className="text-sm font-medium">Servers</h3>
          <Check
            label="Send the requests to the real servers, with the stored secrets"
            checked={test.isLive}
            onChange={({ target }) => onChange({ isLive: target.checked })}
          />
          {test.isLive ? (
            <Notice tone="warn">What the requests do is really done.</Notice>
          ) : (
            <>
              <p className="text-xs text-muted">
                These answers are used in the order in which requests are sent. A retry takes the next one.
              </p>
              {requests.map((step) => (
                <StubFields
                  key={step.id}
                  step={step}
                  stub={test.stubs[step.id] ?? NO_STUB}
                  problem={problems[step.id]}
                  onChange={(stub) => onChange({ stubs: { ...test.stubs, [step.id]: stub } })}
                />
              ))}
            </>
          )}
        </div>
      )}
      {asksForDigits(draft) && (
        <TextArea
          label="Keys that the caller presses"
          hint="One attempt in a line."
          rows={2}
          className="font-mono"
          value={test.digits}
          onChange={({ target }) => onChange({ digits: target.value })}
        />
      )}
      {usesTelephone(draft) && <p className="text-xs text-muted">A test has no telephone: transfers and keys are only recorded.</p>}
    </>
  );
}

interface StubProps {
  step: Step;
  stub: Stub;
  problem: string | undefined;
  onChange(stub: Stub): void;
}

function StubFields({ step, stub, problem, onChange }: StubProps) {
  const isRequest = step.kind === "apiCall";
  return (
    <fieldset className="grid min-w-0 gap-3 rounded-lg border p-3">
      <legend className="max-w-full truncate px-1 font-mono text-xs text-muted">{summaryOf(step) || kindOf(step.kind).label}</legend>
      {isRequest && (
        <div className="max-w-28">
          <Field label="Status" type="number" value={stub.status} onChange={({ target }) => onChange({ ...stub, status: target.value })} />
        </div>
      )}
      <JsonEditor
        label={isRequest ? "Body" : "Result"}
        hint={isRequest ? "JSON. Empty: none." : "JSON, or a text in quotes. Empty: none."}
        minLines={2}
        value={stub.body}
        problem={problem}
        onChange={(body) => onChange({ ...stub, body })}
      />
      {!isRequest && (
        <Check
          label="The tool reports that it failed"
          checked={stub.isFailed}
          onChange={({ target }) => onChange({ ...stub, isFailed: target.checked })}
        />
      )}
    </fieldset>
  );
}

const CHAIN_NAMES: Readonly<Record<string, string>> = {
  actions: "",
  onSuccess: "after success",
  onFailure: "after failure",
  then: "if true",
  otherwise: "otherwise",
};

/** `["actions", "0", "conditional", "then", "1"]` as "1, if true 2". */
const placeOf = (place: readonly string[]): string =>
  place
    .filter((part) => part !== "conditional")
    .map((part) => (/^\d+$/.test(part) ? `${Number(part) + 1}` : (CHAIN_NAMES[part] ?? part)))
    .filter(Boolean)
    .join(" ");

function Result({ run, draft }: { run: Run; draft: Draft }) {
  const { label, tone, text } = ENDINGS[run.ending];
  const longest = Math.max(...run.steps.map(({ duration }) => milliseconds(duration)), 0.001);
  const total = run.steps.filter(({ place }) => place.length === 2).reduce((sum, { duration }) => sum + milliseconds(duration), 0);
  return (
    <div className="grid min-w-0 gap-4 border-t pt-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Badge tone={tone}>{label}</Badge>
        <span className="text-sm text-muted tabular-nums">{timeOf(total)}</span>
        <p className="w-full text-sm text-muted">{text}</p>
      </div>
      <Json title={draft.confirm ? "What the model receives once the caller has agreed" : "What the model receives"} value={run.result} />
      {run.steps.length > 0 && (
        <ol aria-label="Steps that ran" className="grid gap-3">
          {run.steps.map((step) => (
            <StepResult key={step.place.join(".")} step={step} longest={longest} />
          ))}
        </ol>
      )}
      <Json title="Context after the run" value={run.context} />
    </div>
  );
}

const timeOf = (ms: number) => (ms < 1 ? "under 1 ms" : seconds(ms));

function StepResult({ step, longest }: { step: Run["steps"][number]; longest: number }) {
  const kind = kindOfType(step.type);
  const ms = milliseconds(step.duration);
  const effect = isObject(step.effect) ? Object.entries(step.effect).filter(([name]) => name !== "ms") : [];
  return (
    <li className={`grid min-w-0 gap-1.5 rounded-lg border p-3 ${step.ok ? "" : "border-bad"}`}>
      <div className="flex items-center gap-2 text-sm">
        <Icon name={step.ok ? "check" : "warning"} width={16} height={16} className={step.ok ? "text-ok" : "text-bad"} />
        <span className="sr-only">{step.ok ? "Succeeded:" : "Failed:"}</span>
        <span className="min-w-0 font-medium">
          {placeOf(step.place)} {kind ? kindOf(kind).label : step.type}
        </span>
        <span className="ml-auto shrink-0 text-xs text-muted tabular-nums">{timeOf(ms)}</span>
      </div>
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" className="h-1 w-full rounded-full bg-sunken" aria-hidden="true">
        <rect width={Math.max(1, (100 * ms) / longest)} height="1" className={step.ok ? "fill-accent" : "fill-bad"} />
      </svg>
      {step.problem && <p className="text-sm text-bad">{step.problem}</p>}
      {effect.length > 0 && (
        <dl className="grid gap-1 text-xs">
          {effect.map(([name, value]) => (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ))}
        </dl>
      )}
    </li>
  );
}

/** One part of the effect: a short value in a line, others as JSON. */
function Fact({ name, children: value }: { name: string; children: unknown }) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const shown: ReactNode = typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text;
  return (
    <div className="flex min-w-0 gap-2">
      <dt className="shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 font-mono break-words whitespace-pre-wrap">{shown}</dd>
    </div>
  );
}
