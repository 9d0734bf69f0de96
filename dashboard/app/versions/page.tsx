import { Suspense } from "react";
import { VersionsPage } from "@/workflows/versions-page";

export default function Page() {
  return (
    <Suspense>
      <VersionsPage />
    </Suspense>
  );
}
