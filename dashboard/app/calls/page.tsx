import { Suspense } from "react";
import { CallsPage } from "@/calls/calls-page";

export default function Page() {
  return (
    <Suspense>
      <CallsPage />
    </Suspense>
  );
}
