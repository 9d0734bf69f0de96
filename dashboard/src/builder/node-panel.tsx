"use client";

import { Check } from "@/ui/check";
import { Link } from "@/ui/link";
import { useMemo } from "react";
import { Button } from "@/ui/button";
import { CodeEditor } from "@/ui/code-editor";
import { Choice, Field, TextArea } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { SecondsField } from "./fields";
import { marksAt, messageAt, type AgentOfPalette, type Finding } from "./findings";
import { editNode, idOf, makeEntry, nameOf, reorder, type Draft, type DraftNode, type EntryAction, type Transfer } from "./model";
import type { PathCompletion } from "./paths";
import { ENTRY_ACTIONS, TRANSFER_MODES } from "./words";

export interface PanelProps {
  draft: Draft;
  findings: readonly Finding[];
  completions: readonly PathCompletion[];
  isReadOnly: boolean;
  change(to: (draft: Draft) => Draft, field?: string): void;
}

interface Props extends PanelProps {
  node: DraftNode;
  agents: readonly AgentOfPalette[] | undefined;
  onSelectNode(uid: string): void;
  onSelectConnection(uid: string): void;
  onConnect(): void;
}

export function NodePanel({
  node,
  draft,
  findings,
  agents,
  completions,
  isReadOnly,
  change,
  onSelectNode,
  onSelectConnection,
  onConnect,
}: Props) {
  const { uid } = node;
  const set = (changes: Partial<DraftNode>, field: string) =>
    change((before) => editNode(before, uid, changes), field && `${uid} ${field}`);
  const agent = agents?.find(({ name }) => name === node.agent);
  const marks = useMemo(() => marksAt(findings, "skipCondition", node.skipCondition), [findings, node.skipCondition]);
  return (
    <div className="grid gap-4">
      <Field
        label="Id"
        hint="Lower-case letters, digits and underscores. Connections follow when it changes."
        autoCapitalize="none"
        spellCheck={false}
        value={node.id}
        disabled={isReadOnly}
        problem={messageAt(findings, "id")}
        onChange={({ target }) => set({ id: target.value }, "id")}
      />
      <div className="grid gap-1">
        <Choice
          label="Agent"
          value={node.agent}
          disabled={isReadOnly}
          problem={messageAt(findings, "agent")}
          onChange={({ target }) => set({ agent: target.value }, "")}
        >
          {!agent && <option value={node.agent}>{node.agent}</option>}
          {agents?.map(({ id, name, displayName }) => (
            <option key={id} value={name}>
              {displayName ? `${displayName} (${name})` : name}
            </option>
          ))}
        </Choice>
        {agent && (
          <Link
            href={`/agent/?id=${encodeURIComponent(agent.id)}`}
            className="inline-flex min-h-6 items-center text-sm underline"
          >
            Open the agent
          </Link>
        )}
      </div>
      <div className="grid gap-2">
        <Check
          label="Entry"
          hint="Calls start here. Another entry is no longer one."
          checked={node.isEntry}
          disabled={isReadOnly}
          onChange={({ target: { checked } }) => change((before) => makeEntry(before, uid, checked))}
        />
        <Check
          label="Exit"
          hint="The agent may end the call here."
          checked={node.isExit}
          disabled={isReadOnly}
          onChange={({ target }) => set({ isExit: target.checked }, "")}
        />
      </div>
      <Choice
        label="When a conversation enters"
        value={node.onEntry}
        disabled={isReadOnly}
        hint={ENTRY_ACTIONS[node.onEntry].hint}
        problem={messageAt(findings, "onEntry")}
        onChange={({ target }) => set({ onEntry: target.value as EntryAction }, "")}
      >
        {Object.entries(ENTRY_ACTIONS).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Choice>
      {node.onEntry === "TRANSFER_CALL" && (
        <TransferFields
          transfer={node.transfer}
          isReadOnly={isReadOnly}
          problem={messageAt(findings, "transfer")}
          onChange={(changes, field) => set({ transfer: { ...node.transfer, ...changes } }, field)}
        />
      )}
      <CodeEditor
        key={uid}
        label="Skip condition"
        language="expression"
        hint="While it is true, conversations move on without entering. Empty: never skipped."
        value={node.skipCondition}
        completions={completions}
        problems={marks}
        readOnly={isReadOnly}
        onChange={(skipCondition) => set({ skipCondition }, "skipCondition")}
      />
      <Neighbours
        node={node}
        draft={draft}
        isReadOnly={isReadOnly}
        change={change}
        onSelectNode={onSelectNode}
        onSelectConnection={onSelectConnection}
        onConnect={onConnect}
      />
    </div>
  );
}

interface TransferProps {
  transfer: Transfer;
  isReadOnly: boolean;
  problem: string | undefined;
  onChange(changes: Partial<Transfer>, field: string): void;
}

function TransferFields({ transfer, isReadOnly, problem, onChange }: TransferProps) {
  const text = (name: "number" | "trunk" | "extension" | "brief" | "announcement") => ({
    value: transfer[name],
    disabled: isReadOnly,
    onChange: ({ target }: { target: { value: string } }) => onChange({ [name]: target.value }, `transfer.${name}`),
  });
  const isWarm = transfer.mode === "WARM";
  return (
    <fieldset className="grid gap-4 rounded-md border p-3">
      <legend className="px-1 text-sm font-medium">Transfer</legend>
      <Field label="Number" hint="In E.164, such as +15550100; {{…}} inserts a value." problem={problem} {...text("number")} />
      <Choice
        label="Mode"
        value={transfer.mode}
        disabled={isReadOnly}
        hint={TRANSFER_MODES[transfer.mode].hint}
        onChange={({ target }) => onChange({ mode: target.value as Transfer["mode"] }, "")}
      >
        {Object.entries(TRANSFER_MODES).map(([value, { label }]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Choice>
      <TextArea label="Announcement" rows={2} hint="What the caller hears first. Empty: nothing." {...text("announcement")} />
      <Field label="Trunk" hint="Empty: that of the call, or the only one." autoCapitalize="none" spellCheck={false} {...text("trunk")} />
      {isWarm && (
        <>
          <TextArea label="Brief" rows={2} hint="What the colleague hears first. Empty: a summary of the call." {...text("brief")} />
          <Field
            label="Extension"
            hint="Keys to press once the transfer was answered: 0 to 9, *, # and w for a pause."
            {...text("extension")}
          />
        </>
      )}
      <SecondsField
        label="Ringing timeout in seconds"
        hint="Empty: 30 seconds."
        isOptional
        min={5}
        max={75}
        value={transfer.ringingTimeout}
        disabled={isReadOnly}
        onChange={(ringingTimeout) => onChange({ ringingTimeout }, "transfer.ringingTimeout")}
      />
    </fieldset>
  );
}

type NeighbourProps = Pick<Props, "node" | "draft" | "isReadOnly" | "change" | "onSelectNode" | "onSelectConnection" | "onConnect">;

/** The connections of a node. The order counts: of several conditions of one priority, the first is taken. */
function Neighbours({ node, draft, isReadOnly, change, onSelectNode, onSelectConnection, onConnect }: NeighbourProps) {
  const outgoing = draft.connections.filter(({ source }) => source === node.uid);
  const incoming = draft.connections.filter(({ target }) => target === node.uid);
  return (
    <section aria-label="Connections" className="grid gap-2">
      <h3 className="text-sm font-medium">Connections from here</h3>
      {outgoing.length === 0 && <p className="text-sm text-muted">There are none.</p>}
      <ul className="grid gap-1">
        {outgoing.map((connection, index) => {
          const name = nameOf(draft, connection);
          return (
            <li key={connection.uid} className="flex items-center gap-1">
              <button
                type="button"
                aria-label={`Connection ${name}`}
                className="flex min-h-8 min-w-0 grow items-center gap-2 rounded-md px-2 text-left text-sm hover:bg-hover"
                onClick={() => onSelectConnection(connection.uid)}
              >
                <Icon name="right" width={15} height={15} className="text-muted" />
                <span className="truncate font-mono text-[13px]">{idOf(draft, connection.target)}</span>
              </button>
              {!isReadOnly && outgoing.length > 1 && (
                <>
                  <Step
                    icon="up"
                    label={`Move ${name} up`}
                    disabled={index === 0}
                    onClick={() => change((before) => reorder(before, connection.uid, -1))}
                  />
                  <Step
                    icon="down"
                    label={`Move ${name} down`}
                    disabled={index === outgoing.length - 1}
                    onClick={() => change((before) => reorder(before, connection.uid, 1))}
                  />
                </>
              )}
            </li>
          );
        })}
      </ul>
      {!isReadOnly && (
        <div>
          <Button icon="plus" onClick={onConnect} disabled={draft.nodes.length < 2}>
            Connect to…
          </Button>
        </div>
      )}
      {incoming.length > 0 && (
        <>
          <h3 className="mt-2 text-sm font-medium">Connections to here</h3>
          <ul className="grid gap-1">
            {incoming.map((connection) => (
              <li key={connection.uid} className="flex flex-wrap items-center gap-1 text-sm">
                <button
                  type="button"
                  className="min-h-8 rounded-md px-2 font-mono text-[13px] hover:bg-hover"
                  onClick={() => onSelectNode(connection.source)}
                >
                  {idOf(draft, connection.source)}
                </button>
                <button
                  type="button"
                  className="min-h-8 rounded-md px-2 text-muted underline"
                  onClick={() => onSelectConnection(connection.uid)}
                >
                  Edit<span className="sr-only"> the connection {nameOf(draft, connection)}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

interface StepProps {
  icon: "up" | "down";
  label: string;
  disabled: boolean;
  onClick(): void;
}

/** Keeps the focus when it can go no further, so it is marked as disabled only for assistive technology. */
function Step({ icon, label, disabled, onClick }: StepProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-disabled={disabled || undefined}
      className={`grid size-8 shrink-0 place-items-center rounded-md hover:bg-hover ${disabled ? "opacity-55" : ""}`}
      onClick={() => disabled || onClick()}
    >
      <Icon name={icon} width={16} height={16} />
    </button>
  );
}
