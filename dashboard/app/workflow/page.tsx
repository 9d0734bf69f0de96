import { Suspense } from "react";
import { BuilderPage } from "@/builder/builder-page";

export default function Page() {
  return (
    <Suspense>
      <BuilderPage />
    </Suspense>
  );
}
