import { Suspense } from "react";
import { WorkflowsPage } from "@/workflows/workflows-page";

export default function Page() {
  return (
    <Suspense>
      <WorkflowsPage />
    </Suspense>
  );
}
