import { Link } from "@/ui/link";
import type { ReactNode } from "react";
import type { CallFiguresQuery, CallQuery } from "@/gql/call";
import { clock, count, exactMoment, milliseconds, money, seconds } from "@/data/format";
import { DIRECTIONS, KINDS, plain } from "@/data/words";
import { Notice, ProblemText, Skeleton, type Problem } from "@/ui/states";
import { versionsHref } from "@/workflows/addresses";

export type CallData = NonNullable<CallQuery["call"]>;
export type Figures = NonNullable<CallFiguresQuery["call"]>;

export function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="rounded-xl border bg-surface p-4 shadow-soft">
      <h2 className="mb-3 text-sm font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { facts: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] gap-x-4 gap-y-2 text-sm">
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="min-w-0 text-right break-words">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A draft that a call ran is no version that can be looked at. */
function Version({ workflow, version }: { workflow: CallData["workflow"]; version: NonNullable<CallData["version"]> }) {
  if (!version.number) return "Draft";
  if (!workflow) return version.number;
  return (
    <Link className="text-accent underline" href={versionsHref(workflow.id, version.id)}>
      {version.number}
    </Link>
  );
}

export function Summary({ call, length }: { call: CallData; length: number | null }) {
  const { workflow } = call;
  return (
    <Panel title="Call">
      <Facts
        facts={[
          ["Workflow", workflow && <Link className="text-accent underline" href={`/calls/?workflow=${encodeURIComponent(workflow.slug)}`}>{workflow.name}</Link>],
          ["Version", call.version && <Version key="version" workflow={workflow} version={call.version} />],
          ["Kind", `${KINDS[call.kind]?.label ?? call.kind}, ${(DIRECTIONS[call.direction] ?? call.direction).toLowerCase()}`],
          ["From", call.fromNumber],
          ["To", call.toNumber],
          ["User", call.userId && <Link className="text-accent underline" href={`/calls/?user=${encodeURIComponent(call.userId)}`}>{call.userId}</Link>],
          ["Answered by", call.answeredBy && plain(call.answeredBy)],
          ["SIP status", call.sipStatus && String(call.sipStatus)],
          ["Scheduled for", call.scheduledFor && exactMoment(call.scheduledFor)],
          ["Created", exactMoment(call.createdAt)],
          ["Answered", call.answeredAt && exactMoment(call.answeredAt)],
          ["Ended", call.endedAt && exactMoment(call.endedAt)],
          ["Duration", length === null ? null : <span className="tabular-nums">{clock(length)}</span>],
        ]}
      />
    </Panel>
  );
}

interface FigureProps {
  figures: Figures | null | undefined;
  problem: Problem | undefined;
}

export function FigurePanels({ figures, problem }: FigureProps) {
  if (!figures) {
    return (
      <Panel title="Cost and usage">
        {problem ? <ProblemText problem={problem} /> : <Skeleton className="h-24 w-full" />}
      </Panel>
    );
  }
  const { latency, cost, usage } = figures;
  const spread = (value: { p50: string; p95: string } | null) =>
    value && `${seconds(milliseconds(value.p50))} / ${seconds(milliseconds(value.p95))}`;
  return (
    <>
      {latency && (
        <Panel title="Latency, median and 95th percentile">
          <Facts
            facts={[
              ["First audio", spread(latency.firstAudio)],
              ["With the network", spread(latency.atEar)],
              ["Whole reply", spread(latency.total)],
              ["Measured replies", count(latency.turns)],
            ]}
          />
        </Panel>
      )}
      <Panel title="Cost and usage">
        {usage.length === 0 && <p className="text-sm text-muted">Nothing was used yet.</p>}
        {usage.length > 0 && (
          <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Usage by model">
            <table className="w-full text-sm">
              <thead className="text-left text-xs text-muted">
                <tr>
                  <th scope="col" className="pb-1.5 font-medium">Model</th>
                  <th scope="col" className="pb-1.5 text-right font-medium">Used</th>
                  <th scope="col" className="pb-1.5 text-right font-medium">Cost</th>
                </tr>
              </thead>
              <tbody>
                {usage.map((each) => (
                  <tr key={`${each.kind} ${each.provider} ${each.model}`} className="align-top">
                    <th scope="row" className="py-1 pr-2 text-left font-normal">
                      <span className="block">{each.model || each.provider}</span>
                      <span className="block text-xs text-muted">
                        {each.kind} · {each.provider}
                      </span>
                    </th>
                    <td className="py-1 text-right tabular-nums">{usedOf(each)}</td>
                    <td className="py-1 pl-3 text-right tabular-nums">{each.cost === null ? "unknown" : money(each.cost)}</td>
                  </tr>
                ))}
              </tbody>
              <tfoot>
                <tr className="border-t">
                  <th scope="row" colSpan={2} className="pt-2 text-left font-medium">Total, estimated</th>
                  <td className="pt-2 text-right font-medium tabular-nums">{cost ? money(cost.total) : "–"}</td>
                </tr>
              </tfoot>
            </table>
          </div>
        )}
        {cost?.partial && (
          <div className="mt-3">
            <Notice tone="info">The price of some models is not known, so the total is too low. Add prices in the settings.</Notice>
          </div>
        )}
      </Panel>
    </>
  );
}

function usedOf(usage: Figures["usage"][number]): string {
  const parts = [
    usage.inputTokens + usage.outputTokens > 0 && `${count(usage.inputTokens)} + ${count(usage.outputTokens)} tokens`,
    usage.characters > 0 && `${count(usage.characters)} characters`,
    milliseconds(usage.audio) > 0 && `${clock(milliseconds(usage.audio))} audio`,
  ];
  return parts.filter(Boolean).join(", ") || "–";
}

export function Given({ title, value }: { title: string; value: unknown }) {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) return null;
  return (
    <Panel title={title}>
      <dl className="grid gap-2 text-sm">
        {Object.entries(value).map(([name, each]) => (
          <div key={name}>
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="break-words">{typeof each === "string" ? each : JSON.stringify(each)}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
