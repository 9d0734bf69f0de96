"use client";

import {
  applyNodeChanges,
  Background,
  MarkerType,
  MiniMap,
  ReactFlow,
  useReactFlow,
  useStoreApi,
  type EdgeChange,
  type NodeChange,
} from "@xyflow/react";
import { useCallback, useEffect, useImperativeHandle, useMemo, useState, type DragEvent, type Ref } from "react";
import { ConnectionLine, type ConnectionEdge } from "./connection-edge";
import { borderOf, StepCard, type StepNode, type Visit } from "./step-card";
import { ofConnection, ofNode, type AgentOfPalette, type Finding } from "./findings";
import { NODE_SIZE, type Point, type Size } from "./layout";
import { plural } from "./titles";
import { idOf, nameOf, nodeOf, refusalOf, type Draft, type DraftNode, type Selection } from "./model";

export interface CanvasHandle {
  zoomIn(): void;
  zoomOut(): void;
  /** Shows all nodes, or those given. */
  fit(uids?: readonly string[]): void;
  /** Where a node is in the middle of what is shown. */
  middle(): Point;
  sizes(): ReadonlyMap<string, Size>;
}

interface Props {
  ref: Ref<CanvasHandle>;
  draft: Draft;
  selection: Selection;
  findings: readonly Finding[];
  agents: readonly AgentOfPalette[] | undefined;
  /** By the id of the node. */
  litNodes: ReadonlyMap<string, Visit>;
  isReadOnly: boolean;
  onSelect(next: (before: Selection) => Selection): void;
  onMove(positions: ReadonlyMap<string, Point>): void;
  onConnect(source: string, target: string): void;
  /** An agent was dropped from the palette. */
  onDropAgent(agent: string, at: Point): void;
}

export const AGENT_DRAG_TYPE = "application/x-agent-studio-agent";

const NODE_TYPES = { step: StepCard };
const EDGE_TYPES = { connection: ConnectionLine };
const COLOURS = { bad: "var(--bad)", warn: "var(--warn)", none: "var(--line-strong)" } as const;
const STROKES = {
  bad: "[--xy-edge-stroke:var(--bad)]",
  warn: "[--xy-edge-stroke:var(--warn)]",
  none: "[--xy-edge-stroke:var(--line-strong)]",
} as const;
const FIT = { padding: 0.15, maxZoom: 1 } as const;
/** React Flow has its own colours; these are those of the dashboard. */
const THEME = `[--xy-background-color:var(--sunken)] [--xy-background-pattern-color:var(--line)]
  [--xy-edge-stroke-selected:var(--accent)] [--xy-connectionline-stroke:var(--accent)] [--xy-minimap-background-color:var(--surface)]
  [--xy-minimap-mask-background-color:var(--sunken)] [--xy-minimap-node-background-color:var(--line-strong)]
  [--xy-attribution-background-color:var(--surface)]`;

const KEYBOARD_HELP = {
  "node.a11yDescription.default": "Press Enter to select the node. The arrow keys then move it, and Delete removes it.",
  "node.a11yDescription.keyboardDisabled": "Press Enter to select the node. The arrow keys then move it, and Delete removes it.",
  "edge.a11yDescription.default": "Press Enter to select the connection, and Delete to remove it.",
} as const;

const toggled = (uids: readonly string[], changes: readonly { id: string; selected: boolean }[]): readonly string[] =>
  changes.reduce<readonly string[]>(
    (all, { id, selected }) => (selected ? (all.includes(id) ? all : [...all, id]) : all.filter((uid) => uid !== id)),
    uids,
  );

const selectionsOf = (changes: readonly (NodeChange<StepNode> | EdgeChange<ConnectionEdge>)[]) =>
  changes.flatMap((change) => (change.type === "select" ? change : []));

export function Canvas(props: Props) {
  const { ref, draft, selection, findings, agents, litNodes, isReadOnly, onSelect, onMove, onConnect, onDropAgent } = props;
  const flow = useReactFlow<StepNode>();
  const store = useStoreApi();
  // React Flow keeps measures, and positions during a drag, in the nodes that it gets back.
  const around = useMemo(() => ({ draft, selection, findings, agents, litNodes }), [draft, selection, findings, agents, litNodes]);
  const [drawn, setDrawn] = useState(() => stepsOf(around, []));
  useEffect(() => setDrawn((before) => stepsOf(around, before)), [around]);
  const edges = useMemo(() => edgesOf(draft, selection, findings), [draft, selection, findings]);

  useImperativeHandle(
    ref,
    () => ({
      zoomIn: () => void flow.zoomIn(),
      zoomOut: () => void flow.zoomOut(),
      fit: (uids) => void flow.fitView({ ...FIT, ...(uids && { nodes: uids.map((id) => ({ id })) }) }),
      middle: () => {
        const { width, height, transform } = store.getState();
        const [left, top, zoom] = transform;
        return {
          x: Math.round((width / 2 - left) / zoom - NODE_SIZE.width / 2),
          y: Math.round((height / 2 - top) / zoom - NODE_SIZE.height / 2),
        };
      },
      sizes: () => new Map(flow.getNodes().map(({ id, measured }) => [id, { ...NODE_SIZE, ...measured }])),
    }),
    [flow, store],
  );

  const changeNodes = useCallback(
    (changes: NodeChange<StepNode>[]) => {
      setDrawn((before) => applyNodeChanges(changes, before));
      const selected = selectionsOf(changes);
      if (selected.length) onSelect((before) => ({ ...before, nodes: toggled(before.nodes, selected) }));
      const moved = changes.flatMap((change) =>
        change.type === "position" && change.position && !change.dragging
          ? [[change.id, { x: Math.round(change.position.x), y: Math.round(change.position.y) }] as const]
          : [],
      );
      if (moved.length) onMove(new Map(moved));
    },
    [onSelect, onMove],
  );
  const changeEdges = useCallback(
    (changes: EdgeChange<ConnectionEdge>[]) => {
      const selected = selectionsOf(changes);
      if (selected.length) onSelect((before) => ({ ...before, connections: toggled(before.connections, selected) }));
    },
    [onSelect],
  );
  const drop = (event: DragEvent) => {
    const agent = event.dataTransfer.getData(AGENT_DRAG_TYPE);
    if (!agent) return;
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    onDropAgent(agent, { x: Math.round(x - NODE_SIZE.width / 2), y: Math.round(y - NODE_SIZE.height / 2) });
  };

  return (
    <ReactFlow
      nodes={drawn}
      edges={edges}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      onNodesChange={changeNodes}
      onEdgesChange={changeEdges}
      onConnect={({ source, target }) => onConnect(source, target)}
      isValidConnection={({ source, target }) => !refusalOf(draft, source, target)}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(AGENT_DRAG_TYPE)) event.preventDefault();
      }}
      onDrop={drop}
      nodesDraggable={!isReadOnly}
      nodesConnectable={!isReadOnly}
      // The page removes what is selected, so that it can be undone and the focus moved.
      deleteKeyCode={null}
      ariaLabelConfig={KEYBOARD_HELP}
      fitView
      fitViewOptions={FIT}
      minZoom={0.1}
      maxZoom={2}
      className={THEME}
      data-testid="canvas"
    >
      <Background gap={20} />
      <MiniMap pannable zoomable ariaLabel="Map of the workflow" className="hidden sm:block" />
    </ReactFlow>
  );
}

interface Around {
  readonly draft: Draft;
  readonly selection: Selection;
  readonly findings: readonly Finding[];
  readonly agents: readonly AgentOfPalette[] | undefined;
  readonly litNodes: ReadonlyMap<string, Visit>;
}

const stepsOf = (around: Around, before: readonly StepNode[]): StepNode[] =>
  around.draft.nodes.map((step) => ({ ...before.find(({ id }) => id === step.uid), ...stepOf(step, around) }));

function stepOf(step: DraftNode, { draft, selection, findings, agents, litNodes }: Around): StepNode {
  const agent = agents?.find(({ name }) => name === step.agent);
  const own = ofNode(findings, step.uid);
  const targets = draft.connections.filter(({ source }) => source === step.uid).map(({ target }) => idOf(draft, target));
  const facts = [
    `Node ${step.id}, agent ${step.agent}`,
    step.isEntry && "entry",
    step.isExit && "exit",
    targets.length > 0 && `leads to ${targets.join(" and ")}`,
    plural(own.length, "finding"),
    litNodes.get(step.id) === "now" && "the conversation is here now",
  ];
  return {
    id: step.uid,
    type: "step",
    position: { ...step.position },
    selected: selection.nodes.includes(step.uid),
    ariaLabel: facts.filter(Boolean).join(", "),
    data: {
      step,
      agentTitle: agent?.displayName ?? step.agent,
      isKnown: !agents || agent !== undefined,
      findings: own,
      visit: litNodes.get(step.id),
    },
  };
}

function edgesOf(draft: Draft, selection: Selection, findings: readonly Finding[]): ConnectionEdge[] {
  return draft.connections
    .filter(({ source, target }) => nodeOf(draft, source) && nodeOf(draft, target))
    .map((connection) => {
      const { uid, source, target } = connection;
      const condition = connection.condition.trim();
      const own = ofConnection(findings, uid);
      const selected = selection.connections.includes(uid);
      const tone = borderOf(own);
      const found = own.length ? `, ${plural(own.length, "finding")}` : "";
      return {
        id: uid,
        type: "connection",
        source,
        target,
        selected,
        data: { connection, findings: own },
        className: STROKES[tone],
        // A connection that the model chooses is dashed.
        style: condition ? {} : { strokeDasharray: "6 4" },
        markerEnd: { type: MarkerType.ArrowClosed, color: selected ? "var(--accent)" : COLOURS[tone], width: 18, height: 18 },
        ariaLabel: `Connection ${nameOf(draft, connection)}, ${condition ? `when ${condition}` : "chosen by the model"}${found}`,
      };
    });
}
