"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { TestCredentialDocument, type TestCredentialInput, type Verdict } from "@/gql/providers";
import { exactMoment, seconds } from "@/data/format";
import { Icon } from "@/ui/icons";

const VERDICTS: Record<Verdict, { title: string; tone: string; icon: "check" | "close" | "warning" }> = {
  ACCEPTED: { title: "Accepted", tone: "text-ok", icon: "check" },
  REJECTED: { title: "Rejected", tone: "text-bad", icon: "close" },
  UNREACHABLE: { title: "Not reached", tone: "text-warn", icon: "warning" },
};

interface Tested {
  /** What was tested. */
  readonly of: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly at: string;
  readonly ms: number;
}

/** Asks the provider whether it accepts a key. The result goes when `of`, which stands for the key and its server, changes. */
export function useKeyTest(of: string) {
  const studio = useStudio();
  const [tested, setTested] = useState<Tested | null>(null);
  const [isBusy, setBusy] = useState(false);
  const ask = async (input: TestCredentialInput) => {
    setBusy(true);
    setTested(null);
    const started = performance.now();
    const result = await studio.mutate(TestCredentialDocument, { input });
    setBusy(false);
    if (result.ok) {
      const { verdict, detail } = result.value;
      setTested({ of, verdict, detail, at: new Date().toISOString(), ms: performance.now() - started });
    }
    return result;
  };
  return { tested: tested?.of === of ? tested : null, isBusy, ask };
}

export const TestResult = ({ tested }: { tested: Tested | null }) => (
  <div role="status" className="empty:hidden">
    {tested && (
      <p className="mt-3 flex flex-wrap items-baseline gap-x-2 rounded-md bg-sunken px-3 py-2 text-sm">
        <span className={`inline-flex items-center gap-1.5 font-medium ${VERDICTS[tested.verdict].tone}`}>
          <Icon name={VERDICTS[tested.verdict].icon} width={15} height={15} className="self-center" />
          {VERDICTS[tested.verdict].title}
        </span>
        <span>{tested.detail}</span>
        <span className="text-xs text-muted">
          {exactMoment(tested.at)}, in {seconds(tested.ms)}
        </span>
      </p>
    )}
  </div>
);
