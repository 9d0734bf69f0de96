import { Suspense } from "react";
import { McpPage } from "@/tools/mcp-page";

export default function Page() {
  return (
    <Suspense>
      <McpPage />
    </Suspense>
  );
}
