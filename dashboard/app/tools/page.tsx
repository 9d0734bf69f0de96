import { Suspense } from "react";
import { ToolsPage } from "@/tools/tools-page";

export default function Page() {
  return (
    <Suspense>
      <ToolsPage />
    </Suspense>
  );
}
