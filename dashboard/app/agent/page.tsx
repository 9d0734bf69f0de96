import { Suspense } from "react";
import { AgentPage } from "@/agents/agent-page";

export default function Page() {
  return (
    <Suspense>
      <AgentPage />
    </Suspense>
  );
}
