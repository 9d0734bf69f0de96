import { Suspense } from "react";
import { TenantsPage } from "@/tenants/tenants-page";

export default function Page() {
  return (
    <Suspense>
      <TenantsPage />
    </Suspense>
  );
}
