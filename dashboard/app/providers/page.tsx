import { Suspense } from "react";
import { ProvidersPage } from "@/providers/providers-page";

export default function Page() {
  return (
    <Suspense>
      <ProvidersPage />
    </Suspense>
  );
}
