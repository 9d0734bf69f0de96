"use client";

import { useMemo } from "react";
import { Check } from "@/ui/check";
import { CodeEditor } from "@/ui/code-editor";
import { Choice, TextArea } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { KeysField, NumberField } from "./fields";
import { marksAt, messageAt } from "./findings";
import { editConnection, idOf, nodeOf, type ContextPolicy, type DraftConnection } from "./model";
import type { PanelProps } from "./node-panel";
import { CONTEXT_POLICIES } from "./words";

interface Props extends PanelProps {
  connection: DraftConnection;
  onSelectNode(uid: string): void;
}

const MAX_PRIORITY = 1000;

export function ConnectionPanel({ connection, draft, findings, completions, isReadOnly, change, onSelectNode }: Props) {
  const { uid, source, target } = connection;
  const set = (changes: Partial<DraftConnection>, field: string) =>
    change((before) => editConnection(before, uid, changes), field && `${uid} ${field}`);
  const marks = useMemo(() => marksAt(findings, "condition", connection.condition), [findings, connection.condition]);
  const end = (node: string) =>
    nodeOf(draft, node) ? (
      <button type="button" className="min-h-7 rounded-md font-mono text-[13px] break-all underline" onClick={() => onSelectNode(node)}>
        {idOf(draft, node)}
      </button>
    ) : (
      <span className="font-mono text-[13px] break-all text-bad">{node} (does not exist)</span>
    );
  return (
    <div className="grid gap-4">
      <p className="flex flex-wrap items-center gap-2">
        {end(source)}
        <Icon name="right" width={15} height={15} className="text-muted" />
        <span className="sr-only">to</span>
        {end(target)}
      </p>
      <CodeEditor
        key={uid}
        label="Condition"
        language="expression"
        hint="The hand-off happens as soon as it is true. Empty: the model decides. Ctrl+Space offers paths."
        value={connection.condition}
        completions={completions}
        problems={marks}
        readOnly={isReadOnly}
        onChange={(condition) => set({ condition }, "condition")}
      />
      <TextArea
        label="Description"
        rows={3}
        hint={
          connection.condition.trim()
            ? "The model does not see it, because of the condition."
            : "Says to the model when to hand off along this connection."
        }
        value={connection.description}
        disabled={isReadOnly}
        problem={messageAt(findings, "description")}
        onChange={({ target: area }) => set({ description: area.value }, "description")}
      />
      <NumberField
        label="Priority"
        hint="Of several conditions that are true, the highest wins."
        min={-MAX_PRIORITY}
        max={MAX_PRIORITY}
        value={connection.priority}
        disabled={isReadOnly}
        problem={messageAt(findings, "priority")}
        onChange={(priority) => set({ priority }, "priority")}
      />
      <NumberField
        label="Times a call may take it"
        hint="A way back needs more than one."
        min={1}
        max={50}
        value={connection.mayRepeat}
        disabled={isReadOnly}
        problem={messageAt(findings, "mayRepeat")}
        onChange={(mayRepeat) => set({ mayRepeat }, "mayRepeat")}
      />
      <Check
        label="Default connection"
        hint="Taken when the node is skipped, or routes at once, and no other connection is taken."
        checked={connection.isDefault}
        disabled={isReadOnly}
        onChange={({ target }) => set({ isDefault: target.checked }, "")}
      />
      <Choice
        label="The next agent sees"
        value={connection.contextPolicy}
        disabled={isReadOnly}
        hint={CONTEXT_POLICIES[connection.contextPolicy].hint}
        onChange={({ target: select }) => set({ contextPolicy: select.value as ContextPolicy }, "")}
      >
        {Object.entries(CONTEXT_POLICIES).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Choice>
      {(connection.contextPolicy === "LAST_N" || connection.contextPolicy === "SUMMARY") && (
        <NumberField
          label="Turns"
          min={1}
          max={200}
          value={connection.lastN}
          disabled={isReadOnly}
          problem={messageAt(findings, "lastN")}
          onChange={(lastN) => set({ lastN }, "lastN")}
        />
      )}
      <KeysField
        label="Keys passed on"
        hint="Keys of the context in addition to the shared ones, separated by commas."
        value={connection.contextPassed}
        disabled={isReadOnly}
        problem={messageAt(findings, "contextPassed")}
        onChange={(contextPassed) => set({ contextPassed }, "contextPassed")}
      />
    </div>
  );
}
