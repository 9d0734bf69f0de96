"use client";

import { useStudio } from "agent-studio-client/react";
import { useRef, useState, type ChangeEvent } from "react";
import { ImportBundleDocument, type ImportBundleMutation } from "@/gql/bundles";
import { counted } from "@/data/format";
import { messageOf } from "@/data/problem";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { FindingList } from "./findings";

const ABOUT = `The file is a bundle with agents, tools and workflows, such as an export as JSON. Objects of the same name are
  updated, and nothing is deleted.`;
/** What one request may have. */
const MAX_BYTES = 1_000_000;

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  onImported(): void;
}

/** Imports a bundle from a file, after a dry run has shown what it would change. */
export function ImportBundle({ open, onOpenChange, onImported }: Props) {
  return (
    <Dialog
      isWide
      open={open}
      onOpenChange={onOpenChange}
      title="Import workflows"
      description={ABOUT}
    >
      <ImportForm
        onCancel={() => onOpenChange(false)}
        onImported={() => {
          onOpenChange(false);
          onImported();
        }}
      />
    </Dialog>
  );
}

type Outcome = ImportBundleMutation["importBundle"];
type Report = Extract<Outcome, { __typename: "ImportBundleSuccess" }>;

interface Refused {
  readonly text: string;
  readonly findings: Report["findings"];
  readonly problems: readonly { readonly message: string; readonly path: readonly string[] }[];
}

const refusal = (text: string): Refused => ({ text, findings: [], problems: [] });

const YAML = "This page reads JSON. Import YAML files with ./studio import, or export the bundle as JSON.";

async function bundleOf(file: File): Promise<{ readonly bundle: unknown } | { readonly problem: string }> {
  if (/\.ya?ml$/i.test(file.name)) return { problem: YAML };
  if (file.size > MAX_BYTES) return { problem: "The file is larger than one request may be. ./studio import sends it in several." };
  try {
    return { bundle: JSON.parse(await file.text()) };
  } catch {
    return { problem: "The file is not valid JSON." };
  }
}

function ImportForm({ onCancel, onImported }: { onCancel(): void; onImported(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const [bundle, setBundle] = useState<unknown>(null);
  const [report, setReport] = useState<Report | null>(null);
  const [refused, setRefused] = useState<Refused | null>(null);
  const [publish, setPublish] = useState(false);
  const [isBusy, setBusy] = useState(false);

  const send = async (bundle: unknown, dryRun: boolean): Promise<Report | null> => {
    setBusy(true);
    setRefused(null);
    const result = await studio.mutate(ImportBundleDocument, { input: { bundle, dryRun, publish: publish && !dryRun } });
    setBusy(false);
    if (result.ok) return result.value;
    const { error } = result;
    setRefused({
      text: messageOf(error),
      findings: "findings" in error ? error.findings : [],
      problems: "problems" in error ? error.problems : [],
    });
    return null;
  };
  const input = useRef<File>(undefined);
  const choose = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const [file] = target.files ?? [];
    setReport(null);
    setRefused(null);
    setBundle(null);
    input.current = file;
    if (!file) return;
    const read = await bundleOf(file);
    if (input.current !== file) return;
    if ("problem" in read) return setRefused(refusal(read.problem));
    setBundle(read.bundle);
    await check(read.bundle);
  };
  const check = async (bundle: unknown) => {
    const file = input.current;
    const report = await send(bundle, true);
    // Another file may have been chosen meanwhile.
    if (input.current === file) setReport(report);
  };
  const apply = async () => {
    const done = await send(bundle, false);
    if (!done) return;
    const published = done.versions.length ? `, and ${counted(done.versions.length, "workflow")} published` : "";
    toast("ok", `The bundle was imported${published}.`);
    onImported();
  };

  return (
    <div className="mt-4 grid gap-4">
      <Field
        label="File"
        type="file"
        accept=".json,.yaml,.yml,application/json"
        className="py-1.5"
        onChange={(event) => void choose(event)}
      />
      {refused && <Refusal refused={refused} />}
      {report && <ReportView report={report} />}
      {report && (
        <Check
          label="Publish each workflow that differs from its published version"
          checked={publish}
          onChange={({ target }) => setPublish(target.checked)}
        />
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        {/* Browsers do not report that the same file is chosen again. */}
        {refused && bundle !== null && !report ? (
          <Button kind="primary" onClick={() => void check(bundle)}>
            Check again
          </Button>
        ) : (
          <Button kind="primary" busy={isBusy} disabled={!report} onClick={() => void apply()}>
            Import
          </Button>
        )}
      </div>
    </div>
  );
}

function Refusal({ refused: { text, findings, problems } }: { refused: Refused }) {
  return (
    <div className="grid gap-2">
      <Notice tone="bad">{text}</Notice>
      {problems.length > 1 && (
        <ul className="grid max-h-56 gap-1 overflow-y-auto text-sm" tabIndex={0} aria-label="Problems of the file">
          {problems.map(({ message, path }) => (
            <li key={`${path.join(".")} ${message}`}>
              <code className="font-mono text-xs break-words text-muted">{path.join(".")}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {findings.length > 0 && <FindingList findings={findings} />}
    </div>
  );
}

const NOTES: Readonly<Record<string, { label: string; tone: Tone }>> = {
  ADDED: { label: "new", tone: "ok" },
  CHANGED: { label: "changed", tone: "info" },
  UNCHANGED: { label: "unchanged", tone: "neutral" },
  CONVERTED: { label: "converted", tone: "info" },
  DROPPED: { label: "left out", tone: "warn" },
};

function ReportView({ report: { report, findings } }: { report: Report }) {
  const notes = [...report].sort((a, b) => Number(a.kind === "UNCHANGED") - Number(b.kind === "UNCHANGED"));
  return (
    <div className="grid gap-3">
      <h3 className="text-sm font-semibold">What the import would do</h3>
      <ul
        tabIndex={0}
        aria-label="What the import would do"
        className="grid max-h-64 gap-1.5 overflow-y-auto rounded-md border p-3 text-sm"
      >
        {notes.map(({ path, kind, message }) => {
          const { label, tone } = NOTES[kind] ?? { label: kind, tone: "neutral" };
          return (
            <li key={`${path.join(".")} ${message}`} className="flex flex-wrap items-baseline gap-x-2">
              <Badge tone={tone}>{label}</Badge>
              <code className="font-mono text-xs break-words">{path.join(".")}</code>
              <span className="min-w-0 text-muted">{message}</span>
            </li>
          );
        })}
        {!notes.length && <li className="text-muted">The file has nothing to import.</li>}
      </ul>
      {findings.length > 0 && <FindingList findings={findings} />}
    </div>
  );
}
