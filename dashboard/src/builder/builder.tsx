"use client";

import { ReactFlowProvider } from "@xyflow/react";
import { Link } from "@/ui/link";
import { useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { flushSync } from "react-dom";
import type { BuilderWorkflowFragment } from "@/gql/builder";
import { exactMoment } from "@/data/format";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Icon } from "@/ui/icons";
import { NOT_LOADED, useOnDemand } from "@/ui/on-demand";
import { PageHeader } from "@/ui/page-header";
import { Notice, NoticeButton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { selectionOfAddress, writeAddress } from "./address";
import { Canvas, type CanvasHandle } from "./canvas";
import { copy, paste } from "./clipboard";
import { ConnectDialog } from "./connect-dialog";
import { joined, type Finding } from "./findings";
import { Inspector, Summary } from "./inspector";
import { useKeys } from "./keys";
import type { Point } from "./layout";
import {
  addNode,
  connect,
  connectionOf,
  freePlace,
  idOf,
  isNothing,
  move,
  nodeOf,
  NOTHING,
  oneConnection,
  oneNode,
  refusalOf,
  remove,
  type Saved,
  type Selection,
} from "./model";
import { Palette } from "./palette";
import { pathsOf } from "./paths";
import { loadTidy } from "./placement";
import { BuilderSkeleton } from "./skeleton";
import type { Visit } from "./step-card";
import { readWorkflow } from "./stored";
import { summaryOf, titleOf } from "./titles";
import { useChoices } from "./use-choices";
import { useEditing } from "./use-editing";
import { useSaving } from "./use-saving";
import { useVerification } from "./use-verification";

const NO_VISITS: ReadonlyMap<string, Visit> = new Map();

interface Props {
  workflow: BuilderWorkflowFragment;
  /** Buttons of the header that work on what is stored. */
  actions?: (stored: { isUnsaved: boolean }) => ReactNode;
  /** A conversation with what is stored; it reports the nodes that it is at and has been at, by their ids. */
  talk?: (stored: { isUnsaved: boolean; onPosition(nodes: ReadonlyMap<string, Visit>): void }) => ReactNode;
}

const loadConflicts = () => import("./conflict-dialog");

export function Builder(props: Props) {
  const [reading] = useState(() => readWorkflow(props.workflow));
  const [stored, setStored] = useState<Saved | null>(null);
  useEffect(() => {
    const fail = (error: unknown) =>
      setStored(() => {
        throw error;
      });
    reading.then(setStored, fail);
  }, [reading]);
  if (!stored) return <BuilderSkeleton />;
  return (
    <ReactFlowProvider>
      <Editor {...props} stored={stored} />
    </ReactFlowProvider>
  );
}

function Editor({ workflow, stored, actions, talk }: Props & { stored: Saved }) {
  const toast = useToast();
  const isReadOnly = !useMay("WORKFLOWS_WRITE");
  const editing = useEditing(workflow.id, stored, selectionOfAddress);
  const { base, draft, isChanged, selection, select, change } = editing;
  useTitle(draft.name || draft.slug);
  const choices = useChoices();
  const verification = useVerification(draft, choices?.agents);
  const saving = useSaving(workflow.id, workflow.revision, editing);
  const [firstRefused] = saving.refused;
  const conflicts = useOnDemand(loadConflicts, saving.theirs !== null, saving.closeComparison);
  const canvas = useRef<CanvasHandle>(null);
  const region = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLHeadingElement>(null);
  const [connecting, setConnecting] = useState<string | null>(null);
  const [said, say] = useState("");
  const [litNodes, setLitNodes] = useState(NO_VISITS);
  const [isTalking, setTalking] = useState(false);
  const findings = useMemo(() => joined(saving.refused, verification.findings), [saving.refused, verification.findings]);
  const completions = useMemo(() => (choices ? pathsOf(draft, choices.agents, choices.tools, choices.settings) : []), [draft, choices]);

  useEffect(() => writeAddress(draft, selection), [draft, selection]);
  const wasChanged = useRef(isChanged);
  wasChanged.current = isChanged;
  useEffect(() => () => void (wasChanged.current && toast("ok", "Your unsaved changes of the workflow are kept in this tab.")), [toast]);

  const show = (next: Selection) => {
    flushSync(() => select(next));
    panel.current?.focus();
  };
  const add = (agent: string, position: Point) => {
    const [next, uid] = addNode(draft, agent, position);
    change(() => next);
    select(oneNode(uid));
    say(`Added the node ${uid}.`);
  };
  const join = useCallback(
    (source: string, target: string) => {
      const refusal = refusalOf(draft, source, target);
      if (refusal) return say(refusal);
      const [next, uid] = connect(draft, source, target);
      change(() => next);
      select(oneConnection(uid));
      say(`Connected ${idOf(draft, source)} to ${idOf(draft, target)}.`);
    },
    [draft, change, select],
  );
  const removeSelected = () => {
    if (isReadOnly || !(selection.nodes.length || selection.connections.length)) return;
    say(`Deleted ${summaryOf(draft, selection)}. Ctrl+Z undoes it.`);
    change((before) => remove(before, selection));
    select(NOTHING);
    region.current?.focus();
  };
  const insert = (text: string) => {
    const pasted = isReadOnly ? null : paste(draft, text);
    if (!pasted) return;
    if ("refusal" in pasted) return toast("bad", pasted.refusal);
    const { draft: next, uids } = pasted;
    change(() => next);
    select({ nodes: uids, connections: [] });
    say(`Pasted ${uids.length === 1 ? "one node" : `${uids.length} nodes`}.`);
  };
  const copySelected = () => {
    if (!selection.nodes.length) return null;
    say(`Copied ${summaryOf(draft, { ...NOTHING, nodes: selection.nodes })}.`);
    return copy(draft, selection.nodes);
  };
  const arrange = async () => {
    const module = await loadTidy();
    if (!module) return toast("bad", NOT_LOADED);
    const sizes = canvas.current?.sizes();
    change((before) => {
      const uids = before.nodes.map(({ uid }) => uid);
      return move(before, module.tidy(uids, before.connections, sizes));
    });
    requestAnimationFrame(() => canvas.current?.fit());
  };
  const showFinding = ({ at }: Finding) => {
    show(at);
    const connection = connectionOf(draft, at.connections[0] ?? "");
    const uids = connection ? [connection.source, connection.target] : at.nodes;
    if (uids.length) canvas.current?.fit(uids.filter((uid) => nodeOf(draft, uid)));
  };
  useKeys({
    undo: editing.undo,
    redo: editing.redo,
    save: () => void saving.save(),
    remove: removeSelected,
    selectAll: () => select({ nodes: draft.nodes.map(({ uid }) => uid), connections: [] }),
    copy: copySelected,
    cut: () => {
      const text = isReadOnly ? null : copySelected();
      if (text !== null) removeSelected();
      return text;
    },
    paste: insert,
  });
  const moveNodes = useCallback(
    (positions: ReadonlyMap<string, Point>) => change((before) => move(before, positions), `move ${[...positions.keys()].join()}`),
    [change],
  );

  return (
    <>
      <Link href="/workflows/" className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
        <Icon name="left" width={15} height={15} />
        Workflows
      </Link>
      <PageHeader title={draft.name || draft.slug}>
        <p role="status" className="mr-1 text-sm text-muted">
          {isChanged ? "There are unsaved changes." : `Revision ${base.revision}, saved ${exactMoment(base.updatedAt)}`}
        </p>
        {!isReadOnly && (
          <>
            <Button icon="undo" aria-label="Undo" title="Undo (Ctrl+Z)" aria-disabled={!editing.canUndo} onClick={editing.undo} />
            <Button icon="redo" aria-label="Redo" title="Redo (Ctrl+Shift+Z)" aria-disabled={!editing.canRedo} onClick={editing.redo} />
            {isChanged && (
              <Button title="Undo brings the changes back" onClick={() => change(() => base.draft)}>
                Discard
              </Button>
            )}
            <Button kind="primary" title="Save (Ctrl+S)" busy={saving.isBusy} disabled={!isChanged} onClick={() => void saving.save()}>
              Save
            </Button>
          </>
        )}
        {talk && (
          <Button icon="text" aria-pressed={isTalking} onClick={() => setTalking(!isTalking)}>
            Talk
          </Button>
        )}
        {actions?.({ isUnsaved: isChanged })}
      </PageHeader>
      <p role="status" className="sr-only">
        {said}
      </p>
      <div className="mb-3 grid gap-2 empty:hidden">
        {isReadOnly && <Notice tone="info">Your role does not include changing workflows.</Notice>}
        {editing.isUnreadable && (
          <Notice tone="warn">The unsaved changes that this tab has kept cannot be read. The workflow is shown as it was saved.</Notice>
        )}
        {saving.problem && (
          <Notice tone="bad">
            {saving.problem}{" "}
            {firstRefused && <NoticeButton onClick={() => showFinding(firstRefused)}>Show the first one</NoticeButton>}
          </Notice>
        )}
        {saving.isOutdated && (
          <Notice tone="warn">
            Another person saved this workflow meanwhile.{" "}
            <NoticeButton onClick={() => void saving.compare()}>Compare and merge</NoticeButton>
          </Notice>
        )}
      </div>
      <div
        className={`grid gap-3 lg:h-[calc(100dvh-10.5rem)] lg:min-h-[38rem] lg:grid-cols-[minmax(0,1fr)_21rem] ${
          isReadOnly
            ? "lg:grid-rows-[minmax(0,1fr)]"
            : "lg:grid-rows-[auto_minmax(0,1fr)] xl:grid-cols-[11.5rem_minmax(0,1fr)_22rem] xl:grid-rows-[minmax(0,1fr)]"
        }`}
      >
        {!isReadOnly && (
          <div className="grid min-h-0 min-w-0 lg:col-span-2 xl:col-span-1">
            <Palette
              agents={choices?.agents}
              problem={choices?.problem ?? ""}
              onAdd={(agent) => add(agent, freePlace(draft, canvas.current?.middle() ?? { x: 0, y: 0 }))}
            />
          </div>
        )}
        <div
          ref={region}
          data-canvas
          tabIndex={-1}
          role="region"
          aria-label="Canvas"
          className="relative h-[55dvh] min-h-80 overflow-hidden rounded-xl border bg-sunken lg:h-auto"
        >
          <Canvas
            ref={canvas}
            draft={draft}
            selection={selection}
            findings={findings}
            agents={choices && !choices.problem ? choices.agents : undefined}
            litNodes={litNodes}
            isReadOnly={isReadOnly}
            onSelect={select}
            onMove={moveNodes}
            onConnect={join}
            onDropAgent={add}
          />
          <div className="absolute top-3 left-3 z-5 flex gap-1.5">
            <Button icon="plus" aria-label="Zoom in" title="Zoom in" onClick={() => canvas.current?.zoomIn()} />
            <Button icon="minus" aria-label="Zoom out" title="Zoom out" onClick={() => canvas.current?.zoomOut()} />
            <Button icon="fit" aria-label="Show all nodes" title="Show all nodes" onClick={() => canvas.current?.fit()} />
            {!isReadOnly && (
              <Button icon="tidy" onClick={() => void arrange()}>
                Tidy
              </Button>
            )}
          </div>
          {draft.nodes.length === 0 && (
            <p className="pointer-events-none absolute inset-0 grid place-items-center px-6 text-center text-sm text-muted">
              {isReadOnly ? "The workflow has no nodes." : "The workflow has no nodes yet. Add an agent."}
            </p>
          )}
        </div>
        <div className="min-h-0 min-w-0 overflow-y-auto rounded-xl border bg-surface p-4 shadow-soft">
          {isTalking && talk && <div className="-mx-4 -mt-4 mb-4 border-b">{talk({ isUnsaved: isChanged, onPosition: setLitNodes })}</div>}
          <Summary verification={verification} findings={findings} isAll={isNothing(selection)} onShow={() => show(NOTHING)} />
          <div className="mt-4 mb-3 flex flex-wrap items-center justify-between gap-2">
            <h2 ref={panel} tabIndex={-1} className="min-w-0 text-base font-semibold break-all">
              {titleOf(draft, selection)}
            </h2>
            {!isReadOnly && !isNothing(selection) && (
              <div className="flex gap-1.5">
                {selection.nodes.length > 0 && (
                  <Button icon="copy" aria-label="Duplicate" title="Duplicate" onClick={() => insert(copy(draft, selection.nodes))} />
                )}
                <Button icon="trash" aria-label="Delete" title="Delete (Del)" onClick={removeSelected} />
              </div>
            )}
          </div>
          <Inspector
            {...{ draft, selection, findings, completions, isReadOnly, change }}
            agents={choices?.agents}
            onShow={show}
            onShowFinding={showFinding}
            onConnect={setConnecting}
          />
        </div>
      </div>
      <ConnectDialog
        draft={draft}
        source={connecting}
        focusOtherwise={panel}
        onClose={() => setConnecting(null)}
        onConnect={(target) => {
          if (connecting !== null) join(connecting, target);
          setConnecting(null);
        }}
      />
      {conflicts && (
        <conflicts.ConflictDialog
          base={base}
          mine={draft}
          theirs={saving.theirs}
          onClose={saving.closeComparison}
          onResolve={saving.resolve}
        />
      )}
    </>
  );
}
