import { Suspense } from "react";
import { AuditPage } from "@/audit/audit-page";

export default function Page() {
  return (
    <Suspense>
      <AuditPage />
    </Suspense>
  );
}
