"use client";

import { BaseEdge, EdgeLabelRenderer, getBezierPath, type Edge, type EdgeProps } from "@xyflow/react";
import type { Finding } from "./findings";
import type { DraftConnection } from "./model";
import { borderOf } from "./step-card";

export type ConnectionEdge = Edge<{ readonly connection: DraftConnection; readonly findings: readonly Finding[] }, "connection">;

const BORDERS = { bad: "border-bad text-bad", warn: "border-warn text-warn", none: "border-line text-text" } as const;
const SELECTED = "border-accent text-text";

/** How far a connection that leads back passes below its nodes, and beyond their sides. */
const [DEPTH, REACH] = [150, 90];
const MIN_DISTANCE = 40;

type Ends = Pick<EdgeProps, "sourceX" | "sourceY" | "targetX" | "targetY" | "sourcePosition" | "targetPosition">;

/** A curve, and the point of its label. One that leads back runs below, so that it does not cover the way there. */
function curve(ends: Ends): readonly [path: string, x: number, y: number] {
  const { sourceX, sourceY, targetX, targetY } = ends;
  if (targetX - sourceX > MIN_DISTANCE) {
    const [path, x, y] = getBezierPath(ends);
    return [path, x, y];
  }
  const path = `M${sourceX},${sourceY} C${sourceX + REACH},${sourceY + DEPTH} ${targetX - REACH},${targetY + DEPTH} ${targetX},${targetY}`;
  return [path, (sourceX + targetX) / 2, (sourceY + targetY) / 2 + 0.75 * DEPTH];
}

/** A connection on the canvas, with what it depends on and what is wrong with it. */
export function ConnectionLine({ data, selected = false, markerEnd = "", style = {}, ...ends }: EdgeProps<ConnectionEdge>) {
  const [path, x, y] = curve(ends);
  if (!data) return null;
  const { connection, findings } = data;
  const condition = connection.condition.trim();
  const text = condition || connection.description.trim();
  const [first, ...more] = findings;
  return (
    <>
      <BaseEdge path={path} markerEnd={markerEnd} style={style} />
      {(text || first || connection.isDefault) && (
        <EdgeLabelRenderer>
          <div
            aria-hidden="true"
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            className={`pointer-events-none absolute grid max-w-44 gap-0.5 rounded-md border bg-surface px-2 py-1 text-xs ${
              first || !selected ? BORDERS[borderOf(findings)] : SELECTED
            }`}
          >
            {connection.isDefault && <span className="text-muted">Default</span>}
            {text && <span className={`line-clamp-2 text-text ${condition ? "font-mono break-all" : ""}`}>{text}</span>}
            {first && (
              <span className="line-clamp-2">
                {first.message}
                {more.length > 0 && ` And ${more.length} more.`}
              </span>
            )}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
