import type { ReactNode } from "react";
import type { CallRowFragment } from "@/gql/calls";
import { clock, exactMoment, milliseconds, moment, money } from "@/data/format";
import { BLAMES, DIRECTIONS, KINDS, reasonOf, stateOf, toneOfBlame } from "@/data/words";
import { Badge } from "@/ui/badge";
import { Icon } from "@/ui/icons";

export type CallRow = CallRowFragment;

export interface Column {
  readonly name: string;
  readonly title: string;
  /** Name of the order in the address, if the list can be sorted by the column. */
  readonly sort?: string;
  readonly isNumber?: boolean;
  /** Below this width of the window the column gives way. */
  readonly from?: "md" | "lg" | "xl";
  cell(call: CallRow, now: number): ReactNode;
  csv(call: CallRow): string;
}

const none = <span className="text-muted">–</span>;

export function lengthOf(call: CallRow, now: number): number | null {
  if (call.duration) return milliseconds(call.duration);
  return call.answeredAt && !call.endedAt ? now - Date.parse(call.answeredAt) : null;
}

export const COLUMNS = [
  {
    name: "state",
    title: "State",
    cell: (call) => {
      const { label, tone } = stateOf(call.state);
      return (
        <Badge tone={tone} live={!call.endedAt}>
          {label}
        </Badge>
      );
    },
    csv: (call) => call.state,
  },
  {
    name: "workflow",
    title: "Workflow",
    cell: (call) => <span className="block max-w-56 truncate font-medium">{call.workflow?.name ?? "Deleted workflow"}</span>,
    csv: (call) => call.workflow?.slug ?? "",
  },
  {
    name: "caller",
    title: "Caller",
    from: "md",
    cell: (call) => <span className="block max-w-44 truncate">{call.phoneNumber ?? call.userId ?? none}</span>,
    csv: (call) => call.phoneNumber ?? call.userId ?? "",
  },
  {
    name: "kind",
    title: "Kind",
    from: "lg",
    cell: (call) => (
      <span className="flex items-center gap-1.5">
        <Icon name={KINDS[call.kind]?.icon ?? "calls"} width={15} height={15} className="text-muted" />
        {KINDS[call.kind]?.label ?? call.kind}
      </span>
    ),
    csv: (call) => call.kind,
  },
  { name: "direction", title: "Direction", from: "xl", cell: (call) => DIRECTIONS[call.direction], csv: (call) => call.direction },
  { name: "node", title: "Node", from: "xl", cell: (call) => call.activeNode ?? none, csv: (call) => call.activeNode ?? "" },
  {
    name: "created",
    title: "Started",
    sort: "created",
    cell: (call) => (
      <time dateTime={call.createdAt} title={exactMoment(call.createdAt)} className="tabular-nums">
        {moment(call.createdAt)}
      </time>
    ),
    csv: (call) => call.createdAt,
  },
  {
    name: "duration",
    title: "Duration",
    sort: "duration",
    isNumber: true,
    from: "md",
    cell: (call, now) => {
      const length = lengthOf(call, now);
      return length === null ? none : clock(length);
    },
    csv: (call) => (call.duration ? String(milliseconds(call.duration) / 1000) : ""),
  },
  {
    name: "cost",
    title: "Cost",
    sort: "cost",
    isNumber: true,
    from: "md",
    cell: (call) => (Number(call.totalCost) ? money(call.totalCost) : none),
    csv: (call) => call.totalCost,
  },
  {
    name: "reason",
    title: "End",
    from: "lg",
    cell: (call) =>
      call.endReason ? <span className={toneOfBlame(call.blame) === "bad" ? "text-bad" : ""}>{reasonOf(call.endReason).label}</span> : none,
    csv: (call) => call.endReason ?? "",
  },
  { name: "blame", title: "Caused by", from: "xl", cell: (call) => (call.blame ? BLAMES[call.blame] : none), csv: (call) => call.blame ?? "" },
  { name: "user", title: "User", from: "xl", cell: (call) => call.userId ?? none, csv: (call) => call.userId ?? "" },
] as const satisfies readonly Column[];

export type ColumnName = (typeof COLUMNS)[number]["name"];

export const DEFAULT_COLUMNS: readonly ColumnName[] = ["state", "workflow", "caller", "kind", "created", "duration", "cost", "reason"];

export const FROM = { md: "hidden md:table-cell", lg: "hidden lg:table-cell", xl: "hidden xl:table-cell" } as const;
