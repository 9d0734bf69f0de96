import { Suspense } from "react";
import { AgentsPage } from "@/agents/agents-page";

export default function Page() {
  return (
    <Suspense>
      <AgentsPage />
    </Suspense>
  );
}
