"use client";

import { Check } from "@/ui/check";
import { Choice, Field, TextArea } from "@/ui/field";
import { KeysField, SecondsField } from "./fields";
import { messageAt } from "./findings";
import { looseConnections, nameOf, type Answering, type Draft } from "./model";
import type { PanelProps } from "./node-panel";
import { IVR, SCREENER, VOICEMAIL } from "./words";

interface Props extends Omit<PanelProps, "completions"> {
  onSelectConnection(uid: string): void;
}

export function WorkflowPanel({ draft, findings, isReadOnly, change, onSelectConnection }: Props) {
  const set = (changes: Partial<Draft>, field: string) => change((before) => ({ ...before, ...changes }), field);
  const text = (name: "slug" | "name" | "description" | "announcement", path: string = name) => ({
    value: draft[name],
    disabled: isReadOnly,
    problem: messageAt(findings, path),
    onChange: ({ target }: { target: { value: string } }) => set({ [name]: target.value }, name),
  });
  const loose = looseConnections(draft);
  return (
    <div className="grid gap-4">
      <Field label="Name" hint="Empty: the slug." {...text("name")} />
      <Field
        label="Slug"
        hint="Lower-case letters, digits and hyphens. Calls refer to it."
        autoCapitalize="none"
        spellCheck={false}
        {...text("slug")}
      />
      <TextArea label="Description" rows={2} {...text("description")} />
      <KeysField
        label="Shared context"
        hint="Keys of the context that all agents share, separated by commas."
        value={draft.sharedContext}
        disabled={isReadOnly}
        problem={messageAt(findings, "sharedContext")}
        onChange={(sharedContext) => set({ sharedContext }, "sharedContext")}
      />
      {loose.length > 0 && (
        <section className="grid gap-1">
          <h3 className="text-sm font-medium">Connections that cannot be drawn</h3>
          <p className="text-xs text-muted">One of their nodes does not exist.</p>
          <ul>
            {loose.map((connection) => (
              <li key={connection.uid}>
                <button
                  type="button"
                  className="min-h-7 font-mono text-[13px] underline"
                  onClick={() => onSelectConnection(connection.uid)}
                >
                  {nameOf(draft, connection)}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <div className="grid gap-3">
        <Check
          label="Record voice calls"
          checked={draft.isRecorded}
          disabled={isReadOnly}
          onChange={({ target }) => set({ isRecorded: target.checked }, "")}
        />
        {draft.isRecorded && (
          <TextArea
            label="Announcement"
            rows={2}
            hint="What the caller hears before the greeting. Empty: nothing."
            {...text("announcement", "recording.announcement")}
          />
        )}
        {messageAt(findings, "recording.enabled") && <p className="text-xs text-bad">{messageAt(findings, "recording.enabled")}</p>}
      </div>
      <details className="rounded-md border">
        <summary className="min-h-9 px-3 py-2 text-sm font-medium">When a machine answers an outbound call</summary>
        <AnsweringFields draft={draft} findings={findings} isReadOnly={isReadOnly} change={change} />
      </details>
    </div>
  );
}

function AnsweringFields({ draft: { answering }, findings, isReadOnly, change }: Omit<PanelProps, "completions">) {
  const set = (changes: Partial<Answering>, field: string) =>
    change((before) => ({ ...before, answering: { ...before.answering, ...changes } }), field && `answering.${field}`);
  const text = (name: "message" | "introduction" | "goal") => ({
    value: answering[name],
    disabled: isReadOnly,
    problem: messageAt(findings, `answering.${name}`),
    onChange: ({ target }: { target: { value: string } }) => set({ [name]: target.value }, name),
  });
  const seconds = (name: "silenceTimeout" | "toneTimeout" | "screeningTimeout") => ({
    value: answering[name],
    disabled: isReadOnly,
    problem: messageAt(findings, `answering.${name}`),
    onChange: (value: string) => set({ [name]: value }, name),
  });
  const options = (labels: Record<string, string>) =>
    Object.entries(labels).map(([value, label]) => (
      <option key={value} value={value}>
        {label}
      </option>
    ));
  return (
    <div className="grid gap-4 border-t p-3">
      <Check
        label="Listen first to find out who answered"
        checked={answering.enabled}
        disabled={isReadOnly}
        onChange={({ target }) => set({ enabled: target.checked }, "")}
      />
      <Choice
        label="A mailbox"
        value={answering.voicemail}
        disabled={isReadOnly}
        onChange={({ target }) => set({ voicemail: target.value as Answering["voicemail"] }, "")}
      >
        {options(VOICEMAIL)}
      </Choice>
      {(answering.voicemail === "LEAVE_MESSAGE" || answering.message) && (
        <TextArea label="Message for the mailbox" rows={2} {...text("message")} />
      )}
      <Choice
        label="A call screener"
        value={answering.screener}
        disabled={isReadOnly}
        onChange={({ target }) => set({ screener: target.value as Answering["screener"] }, "")}
      >
        {options(SCREENER)}
      </Choice>
      {(answering.screener === "ANSWER" || answering.introduction) && (
        <TextArea label="Introduction" rows={2} hint="Who is calling, and why." {...text("introduction")} />
      )}
      <Choice
        label="A voice menu"
        value={answering.ivr}
        disabled={isReadOnly}
        onChange={({ target }) => set({ ivr: target.value as Answering["ivr"] }, "")}
      >
        {options(IVR)}
      </Choice>
      {(answering.ivr === "NAVIGATE" || answering.goal) && (
        <TextArea label="Goal" rows={2} hint="The person or the department to reach." {...text("goal")} />
      )}
      <Check
        label="Ask the model about a long greeting"
        hint="The model of the entry agent decides when no rule recognizes it."
        checked={answering.askModel}
        disabled={isReadOnly}
        onChange={({ target }) => set({ askModel: target.checked }, "")}
      />
      <SecondsField label="Silence before the agent speaks, in seconds" min={0.5} max={10} {...seconds("silenceTimeout")} />
      <SecondsField label="Wait for the tone of a mailbox, in seconds" min={2} max={60} {...seconds("toneTimeout")} />
      <SecondsField label="Wait for a person after a screener, in seconds" min={5} max={120} {...seconds("screeningTimeout")} />
    </div>
  );
}
