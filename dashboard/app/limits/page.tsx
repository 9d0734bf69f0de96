import { Suspense } from "react";
import { LimitsPage } from "@/limits/limits-page";

export default function Page() {
  return (
    <Suspense>
      <LimitsPage />
    </Suspense>
  );
}
