import { Suspense } from "react";
import { ToolPage } from "@/tools/tool-page";

export default function Page() {
  return (
    <Suspense>
      <ToolPage />
    </Suspense>
  );
}
