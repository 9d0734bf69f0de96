import type { DraftStateQuery } from "@/gql/versions";
import { Badge } from "@/ui/badge";

export type Finding = NonNullable<DraftStateQuery["workflow"]>["findings"]["findings"][number];

/** What verification found: errors first, each with its fix. */
export function FindingList({ findings }: { findings: readonly Finding[] }) {
  const ordered = [...findings].sort((a, b) => Number(b.severity === "ERROR") - Number(a.severity === "ERROR"));
  return (
    <ul className="grid gap-2.5">
      {ordered.map(({ code, severity, path, message, fix, docs }) => (
        <li key={`${code} ${path.join(".")} ${message}`} className="rounded-md border px-3 py-2 text-sm">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
            <Badge tone={severity === "ERROR" ? "bad" : "warn"}>{severity === "ERROR" ? "Error" : "Warning"}</Badge>
            <code className="min-w-0 font-mono text-xs break-words text-muted">{path.join(".")}</code>
          </p>
          <p className="mt-1">{message}</p>
          <p className="mt-0.5 text-muted">
            {fix}{" "}
            <a href={docs} className="inline-flex min-h-6 items-center text-accent underline">
              Read more<span className="sr-only"> about {code}</span>
            </a>
          </p>
        </li>
      ))}
    </ul>
  );
}

export const errorsOf = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity === "ERROR");
